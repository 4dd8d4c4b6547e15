function y = satlins(p, x)
  y = tensor(min(max(x.value, -1), 1), x.format);
end
