function y = normalized_input(p, x)
  % What an input layer makes of its input.
  kind = option(p, 'Normalization', 'none');
  switch kind
    case 'none',       value = x.value;
    case 'zerocenter', value = x.value - statistic(p.Mean, p, x.format);
    case 'zscore'
      value = (x.value - statistic(p.Mean, p, x.format)) ./ statistic(p.StandardDeviation, p, x.format);
    otherwise
      low = statistic(p.Min, p, x.format);
      value = (x.value - low) ./ (statistic(p.Max, p, x.format) - low);
      if strcmp(kind, 'rescale-symmetric'), value = 2 * value - 1; end
  end
  y = tensor(value, x.format);
end

function y = statistic(values, p, format)
  % One value, one per channel, or one per element (h x w x c, whose last dimensions may be missing).
  sizes = option(p, 'InputSize', size(values));
  y = double(values);
  if isscalar(y), return; end
  if numel(y) == prod(sizes) && any(format == 'S')
    y = reshape(y, [sizes 1]);
  else
    y = per_channel(y, format);
  end
end
