function y = satlin(p, x)
  y = tensor(min(max(x.value, 0), 1), x.format);
end
