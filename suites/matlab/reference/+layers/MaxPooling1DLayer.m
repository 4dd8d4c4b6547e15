function y = MaxPooling1DLayer(p, x)
  y = pooled(p, x, @max, -Inf);
end
