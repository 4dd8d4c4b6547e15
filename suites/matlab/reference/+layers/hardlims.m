function y = hardlims(p, x)
  y = tensor(2 * (x.value >= 0) - 1, x.format);
end
