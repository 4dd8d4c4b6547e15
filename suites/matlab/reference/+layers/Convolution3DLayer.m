function y = Convolution3DLayer(p, x)
  y = correlated(p, x);
end
