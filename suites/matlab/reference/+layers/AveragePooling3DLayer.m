function y = AveragePooling3DLayer(p, x)
  y = averaged(p, x);
end
