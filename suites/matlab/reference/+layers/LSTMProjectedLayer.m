function y = LSTMProjectedLayer(p, x)
  y = layers.LSTMLayer(projected(p), x);
end
