function y = Convolution2DLayer(p, x)
  y = correlated(p, x);
end
