function results = reference_pooling(kind, p, inputs)
  if strcmp(kind, 'MaxUnpooling2DLayer')
    results = {unpool(inputs)};
    return;
  end
  if strncmp(kind, 'Global', 6)
    results = {pool_all(kind, inputs{1})};
    return;
  end
  [x, axes] = to_spatial(inputs{1});
  window = option(p, 'PoolSize', []);
  stride = option(p, 'Stride', ones(1, axes));
  sides = border(p, 'Padding', x, axes, window, stride, ones(1, axes));
  largest = strncmp(kind, 'Max', 3);
  if largest
    y = each_window(place_in(x, axes, sides, -Inf), axes, window, stride, @max, -Inf);
  else
    y = each_window(place_in(x, axes, sides, 0), axes, window, stride, @plus, 0);
    if strcmp(option(p, 'PaddingValue', 0), 'mean')
      y = y ./ each_window(place_in(ones(size(x)), axes, sides, 0), axes, window, stride, @plus, 0);
    else
      y = y / prod(window);
    end
  end
  results = {from_spatial(y, axes)};
  if largest && option(p, 'HasUnpoolingOutputs', false)
    results(2:3) = places(x, y, window, stride, sides);
  end
end

function y = each_window(x, axes, window, stride, join, start)
  outs = arrayfun(@(k) floor((size(x, k) - window(k)) / stride(k)) + 1, 1:axes);
  y = repmat(start, [outs, size(x, axes + 1), size(x, axes + 2)]);
  for element = 1:prod(window)
    [at{1:axes}] = ind2sub([window 1], element);
    cut = cell(1, axes);
    for k = 1:axes
      cut{k} = at{k} + (0:outs(k) - 1) * stride(k);
    end
    y = join(y, x(cut{:}, :, :));
  end
end

function found = places(x, y, window, stride, sides)
  % The first place, row by row, that holds each window's maximum: 0-based in its H x W plane, row by row.
  at = zeros(size(y));
  for n = 1:numel(y)
    [r, c, ch, s] = ind2sub([size(y, 1), size(y, 2), size(y, 3), size(y, 4)], n);
    done = false;
    for i = 1:window(1)
      for j = 1:window(2)
        row = (r - 1) * stride(1) + i - sides(1, 1);
        column = (c - 1) * stride(2) + j - sides(1, 2);
        inside = row >= 1 && row <= size(x, 1) && column >= 1 && column <= size(x, 2);
        if ! done && inside && x(row, column, ch, s) == y(n)
          at(n) = (row - 1) * size(x, 2) + column - 1;
          done = true;
        end
      end
    end
  end
  found = {tensor(at, 'SSCB'), tensor([size(x, 1) size(x, 2)], 'size')};
end

function t = unpool(inputs)
  x = inputs{1}.value;
  at = inputs{2}.value;
  sizes = inputs{3}.value;
  y = zeros(sizes(1), sizes(2), size(x, 3), size(x, 4));
  for n = 1:numel(x)
    [~, ~, ch, s] = ind2sub([size(x, 1), size(x, 2), size(x, 3), size(x, 4)], n);
    y(floor(at(n) / sizes(2)) + 1, mod(at(n), sizes(2)) + 1, ch, s) = x(n);
  end
  t = tensor(y, 'SSCB');
end

function t = pool_all(kind, taken)
  x = taken.value;
  largest = ! isempty(strfind(kind, 'Max'));
  switch taken.format
    case 'CBT'
      if largest, y = max(x, [], 3); else, y = mean(x, 3); end
      t = tensor(y, 'CB');
    case 'SSCB'
      if largest, y = max(max(x, [], 1), [], 2); else, y = mean(mean(x, 1), 2); end
      t = tensor(y, 'SSCB');
    case 'SSSCB'
      if largest, y = max(max(max(x, [], 1), [], 2), [], 3); else, y = mean(mean(mean(x, 1), 2), 3); end
      t = tensor(y, 'SSSCB');
  end
end
