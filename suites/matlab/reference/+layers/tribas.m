function y = tribas(p, x)
  y = tensor(max(1 - abs(x.value), 0), x.format);
end
