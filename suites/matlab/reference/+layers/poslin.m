function y = poslin(p, x)
  y = layers.ReLULayer(p, x);
end
