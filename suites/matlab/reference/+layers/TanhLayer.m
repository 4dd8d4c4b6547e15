function y = TanhLayer(p, x)
  y = tensor(tanh(x.value), x.format);
end
