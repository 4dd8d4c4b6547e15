function y = removeconstantrows(p, x)
  y = tensor(x.value(option(p, 'keep', []), :), x.format);
end
