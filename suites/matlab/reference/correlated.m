function y = correlated(p, x)
  % A cross-correlation: the kernel is not flipped.
  [v, axes] = to_spatial(x);
  w = double(p.Weights);
  stride = option(p, 'Stride', ones(1, axes));
  dilate = option(p, 'DilationFactor', ones(1, axes));
  window = arrayfun(@(k) size(w, k), 1:axes);
  sides = border(p, 'Padding', v, axes, window, stride, dilate);
  v = place_in(v, axes, sides, option(p, 'PaddingValue', 0));
  v = correlate(v, w, axes, window, stride, dilate);
  y = from_spatial(v + reshape(double(p.Bias(:)), [ones(1, axes) numel(p.Bias) 1]), axes);
end

function y = correlate(x, w, axes, window, stride, dilate)
  % Element of the kernel by element.
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
