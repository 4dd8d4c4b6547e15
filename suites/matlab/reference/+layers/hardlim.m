function y = hardlim(p, x)
  y = tensor(double(x.value >= 0), x.format);
end
