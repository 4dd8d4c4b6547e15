function y = ReLULayer(p, x)
  y = tensor(x.value .* (x.value > 0), x.format);
end
