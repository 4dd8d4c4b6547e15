function y = TransposedConvolution1DLayer(p, x)
  y = transposed(p, x);
end
