function y = AveragePooling1DLayer(p, x)
  y = averaged(p, x);
end
