function y = Convolution1DLayer(p, x)
  y = correlated(p, x);
end
