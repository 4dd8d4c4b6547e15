function y = radbas(p, x)
  y = tensor(exp(-x.value .^ 2), x.format);
end
