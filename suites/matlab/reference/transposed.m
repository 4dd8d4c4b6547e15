function y = transposed(p, x)
  % The transpose of a cross-correlation, element of the kernel by element, then cropped. Weights are spatial x F x C.
  [v, axes] = to_spatial(x);
  w = double(p.Weights);
  stride = option(p, 'Stride', ones(1, axes));
  window = arrayfun(@(k) size(w, k), 1:axes);
  ins = arrayfun(@(k) size(v, k), 1:axes);
  filters = size(w, axes + 1);
  channels = size(w, axes + 2);
  samples = size(v, axes + 2);
  full = stride .* (ins - 1) + window;
  y = zeros([full, filters, samples]);
  w = reshape(w, [prod(window), filters, channels]);
  flat = reshape(permute(reshape(v, [prod(ins), channels, samples]), [1 3 2]), [], channels);
  for element = 1:prod(window)
    [at{1:axes}] = ind2sub([window 1], element);
    part = flat * reshape(w(element, :, :), filters, channels)';
    part = reshape(permute(reshape(part, [prod(ins), samples, filters]), [1 3 2]), [ins, filters, samples]);
    cut = cell(1, axes);
    for k = 1:axes
      cut{k} = at{k} + (0:ins(k) - 1) * stride(k);
    end
    y(cut{:}, :, :) = y(cut{:}, :, :) + part;
  end
  if strcmp(option(p, 'CroppingMode', 'manual'), 'same')
    wanted = ins .* stride;
    first = floor(max(0, full - wanted) / 2);
    long = zeros([max(first + wanted, full), filters, samples]);
    cut = arrayfun(@(n) 1:n, full, 'UniformOutput', false);
    long(cut{:}, :, :) = y;
    cut = arrayfun(@(a, n) a + (1:n), first, wanted, 'UniformOutput', false);
    y = long(cut{:}, :, :);
  else
    sides = border(p, 'Cropping', v, axes, window, stride, ones(1, axes));
    cut = arrayfun(@(a, n, b) (a + 1):(n - b), sides(1, :), full, sides(2, :), 'UniformOutput', false);
    y = y(cut{:}, :, :);
  end
  y = from_spatial(y + reshape(double(p.Bias(:)), [ones(1, axes) filters 1]), axes);
end
