function y = TransposedConvolution2DLayer(p, x)
  y = transposed(p, x);
end
