function y = standard(x, over, epsilon)
  % An array less its mean over some dimensions, divided by its deviation.
  count = prod(arrayfun(@(d) size(x, d), over));
  m = x;
  for d = over, m = sum(m, d); end
  m = m / count;
  v = (x - m) .^ 2;
  for d = over, v = sum(v, d); end
  y = (x - m) ./ sqrt(v / count + epsilon);
end
