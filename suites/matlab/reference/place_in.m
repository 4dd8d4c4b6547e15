function y = place_in(x, axes, sides, value)
  % x with a border: of a number, or continued by name.
  index = repmat({':'}, 1, axes + 2);
  if ischar(value)
    for k = 1:axes
      n = size(x, k);
      at = (1 - sides(1, k)):(n + sides(2, k));
      switch value
        case 'replicate', at = min(max(at, 1), n);
        case 'symmetric-include-edge', at(at < 1) = 1 - at(at < 1); at(at > n) = 2 * n + 1 - at(at > n);
        case 'symmetric-exclude-edge', at(at < 1) = 2 - at(at < 1); at(at > n) = 2 * n - at(at > n);
      end
      cut = index;
      cut{k} = at;
      x = x(cut{:});
    end
    y = x;
    return;
  end
  sizes = [arrayfun(@(k) size(x, k), 1:axes) + sum(sides, 1), size(x, axes + 1), size(x, axes + 2)];
  y = value * ones(sizes);
  if isinf(value), y = repmat(value, sizes); end
  for k = 1:axes
    index{k} = sides(1, k) + (1:size(x, k));
  end
  y(index{:}) = x;
end
