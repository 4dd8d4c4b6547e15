function y = pooled(p, x, join, start)
  % What each window holds, joined: @max from -Inf, @plus from 0.
  [v, axes] = to_spatial(x);
  window = option(p, 'PoolSize', []);
  stride = option(p, 'Stride', ones(1, axes));
  sides = border(p, 'Padding', v, axes, window, stride, ones(1, axes));
  y = from_spatial(each_window(place_in(v, axes, sides, start), axes, window, stride, join, start), axes);
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
