function y = SigmoidLayer(p, x)
  y = tensor(1 ./ (1 + exp(-x.value)), x.format);
end
