function y = averaged(p, x)
  % Padding counts as zeros, or with PaddingValue 'mean' not at all.
  y = pooled(p, x, @plus, 0);
  if strcmp(option(p, 'PaddingValue', 0), 'mean')
    counts = pooled(p, tensor(ones(size(x.value)), x.format), @plus, 0);
    y.value = y.value ./ counts.value;
  else
    y.value = y.value / prod(option(p, 'PoolSize', []));
  end
end
