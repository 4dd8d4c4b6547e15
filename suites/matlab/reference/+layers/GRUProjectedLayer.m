function y = GRUProjectedLayer(p, x)
  y = layers.GRULayer(projected(p), x);
end
