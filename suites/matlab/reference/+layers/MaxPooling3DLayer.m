function y = MaxPooling3DLayer(p, x)
  y = pooled(p, x, @max, -Inf);
end
