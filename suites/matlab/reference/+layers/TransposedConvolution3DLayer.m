function y = TransposedConvolution3DLayer(p, x)
  y = transposed(p, x);
end
