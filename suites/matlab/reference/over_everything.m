function y = over_everything(x, reduce)
  % Over time, which leaves features; over the plane or the volume, which leaves 1 x 1.
  y = x;
  if strcmp(x.format, 'CBT')
    y = tensor(reduce(x.value, 3), 'CB');
  else
    for d = find(x.format == 'S'), y.value = reduce(y.value, d); end
  end
end
