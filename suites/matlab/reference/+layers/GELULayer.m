function y = GELULayer(p, x)
  v = x.value;
  if strcmp(option(p, 'Approximation', 'none'), 'tanh')
    y = tensor(v / 2 .* (1 + tanh(sqrt(2 / pi) * (v + 0.044715 * v .^ 3))), x.format);
  else
    y = tensor(v / 2 .* (1 + erf(v / sqrt(2))), x.format);
  end
end
