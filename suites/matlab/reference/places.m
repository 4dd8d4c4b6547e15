function [indices, sizes] = places(p, x, y)
  % The first place, row by row, that holds each window's maximum: 0-based in its H x W plane, row by row. And the
  % plane's size.
  window = option(p, 'PoolSize', []);
  stride = option(p, 'Stride', [1 1]);
  sides = border(p, 'Padding', x.value, 2, window, stride, [1 1]);
  at = zeros(size(y.value));
  for n = 1:numel(y.value)
    [r, c, ch, s] = ind2sub([size(y.value, 1), size(y.value, 2), size(y.value, 3), size(y.value, 4)], n);
    done = false;
    for i = 1:window(1)
      for j = 1:window(2)
        row = (r - 1) * stride(1) + i - sides(1, 1);
        column = (c - 1) * stride(2) + j - sides(1, 2);
        inside = row >= 1 && row <= size(x.value, 1) && column >= 1 && column <= size(x.value, 2);
        if ~done && inside && x.value(row, column, ch, s) == y.value(n)
          at(n) = (row - 1) * size(x.value, 2) + column - 1;
          done = true;
        end
      end
    end
  end
  indices = tensor(at, 'SSCB');
  sizes = tensor([size(x.value, 1) size(x.value, 2)], 'size');
end
