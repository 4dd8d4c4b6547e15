function y = AveragePooling2DLayer(p, x)
  y = averaged(p, x);
end
