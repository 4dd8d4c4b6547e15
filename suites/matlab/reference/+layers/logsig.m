function y = logsig(p, x)
  y = layers.SigmoidLayer(p, x);
end
