function results = reference_convolution(kind, p, inputs)
  % Cross-correlations (the kernel is not flipped) and their transposes, element of the kernel by element.
  [x, axes] = to_spatial(inputs{1});
  w = double(p.Weights);
  stride = option(p, 'Stride', ones(1, axes));
  dilate = option(p, 'DilationFactor', ones(1, axes));
  window = arrayfun(@(k) size(w, k), 1:axes);
  if strncmp(kind, 'Transposed', 10)
    y = transposed(x, w, axes, window, stride, p);
  elseif strncmp(kind, 'Grouped', 7)
    sides = border(p, 'Padding', x, axes, window, stride, dilate);
    x = place_in(x, axes, sides, option(p, 'PaddingValue', 0));
    depth = size(w, 3);
    y = [];
    bias = double(p.Bias);
    for g = 1:size(w, 5)
      part = correlate(x(:, :, (g - 1) * depth + (1:depth), :), w(:, :, :, :, g), 2, window, stride, dilate);
      y = cat(3, y, part + reshape(bias(:, g), 1, 1, []));
    end
  else
    sides = border(p, 'Padding', x, axes, window, stride, dilate);
    x = place_in(x, axes, sides, option(p, 'PaddingValue', 0));
    y = correlate(x, w, axes, window, stride, dilate) + reshape(double(p.Bias(:)), [ones(1, axes) numel(p.Bias) 1]);
  end
  results = {from_spatial(y, axes)};
end

function y = correlate(x, w, axes, window, stride, dilate)
  channels = size(x, axes + 1);
  samples = size(x, axes + 2);
  filters = size(w, axes + 2);
  outs = arrayfun(@(k) floor((size(x, k) - dilate(k) * (window(k) - 1) - 1) / stride(k)) + 1, 1:axes);
  total = zeros(prod(outs) * samples, filters);
  w = reshape(w, [prod(window), channels, filters]);
  for element = 1:prod(window)
    [at{1:axes}] = ind2sub([window 1], element);
    cut = cell(1, axes);
    for k = 1:axes
      cut{k} = (at{k} - 1) * dilate(k) + 1 + (0:outs(k) - 1) * stride(k);
    end
    seen = reshape(x(cut{:}, :, :), [prod(outs), channels, samples]);
    seen = reshape(permute(seen, [1 3 2]), [], channels);
    total = total + seen * reshape(w(element, :, :), channels, filters);
  end
  y = reshape(permute(reshape(total, [prod(outs), samples, filters]), [1 3 2]), [outs, filters, samples]);
end

function y = transposed(x, w, axes, window, stride, p)
  % Weights are spatial x F x C.
  ins = arrayfun(@(k) size(x, k), 1:axes);
  filters = size(w, axes + 1);
  channels = size(w, axes + 2);
  samples = size(x, axes + 2);
  full = stride .* (ins - 1) + window;
  y = zeros([full, filters, samples]);
  w = reshape(w, [prod(window), filters, channels]);
  flat = reshape(permute(reshape(x, [prod(ins), channels, samples]), [1 3 2]), [], channels);
  for element = 1:prod(window)
    [at{1:axes}] = ind2sub([window 1], element);
    made = flat * reshape(w(element, :, :), filters, channels)';
    made = reshape(permute(reshape(made, [prod(ins), samples, filters]), [1 3 2]), [ins, filters, samples]);
    cut = cell(1, axes);
    for k = 1:axes
      cut{k} = at{k} + (0:ins(k) - 1) * stride(k);
    end
    y(cut{:}, :, :) = y(cut{:}, :, :) + made;
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
    sides = border(p, 'Cropping', x, axes, window, stride, ones(1, axes));
    cut = arrayfun(@(a, n, b) (a + 1):(n - b), sides(1, :), full, sides(2, :), 'UniformOutput', false);
    y = y(cut{:}, :, :);
  end
  y = y + reshape(double(p.Bias(:)), [ones(1, axes) filters 1]);
end
