function results = reference_normalization(kind, p, inputs)
  x = inputs{1}.value;
  format = inputs{1}.format;
  channel = channel_dimension(format);
  dims = 1:numel(format);
  spatial = dims(format == 'S');
  time = dims(format == 'T');
  epsilon = option(p, 'Epsilon', 1e-5);
  switch kind
    case 'BatchNormalizationLayer'
      y = (x - per_channel(p.TrainedMean, format)) ./ sqrt(per_channel(p.TrainedVariance, format) + epsilon);
    case 'LayerNormalizationLayer'
      switch option(p, 'OperationDimension', 'auto')
        case 'channel-only',    over = channel;
        case 'spatial-channel', over = [spatial channel];
        case 'batch-excluded',  over = [spatial channel time];
        otherwise
          over = channel;
          if numel(spatial) > 1, over = [spatial channel]; end
      end
      y = standard(x, over, epsilon);
    case 'InstanceNormalizationLayer'
      y = standard(x, [spatial time], epsilon);
    case 'GroupNormalizationLayer'
      groups = option(p, 'NumGroups', 1);
      count = size(x, channel);
      if strcmp(groups, 'all-channels'), groups = 1; end
      if strcmp(groups, 'channel-wise'), groups = count; end
      y = x;
      for g = 1:groups
        cut = repmat({':'}, 1, max(2, numel(format)));
        cut{channel} = (g - 1) * count / groups + (1:count / groups);
        y(cut{:}) = standard(x(cut{:}), [spatial channel time], epsilon);
      end
    case 'CrossChannelNormalizationLayer'
      w = option(p, 'WindowChannelSize', 5);
      total = zeros(size(x));
      for c = 1:size(x, 3)
        seen = max(1, c - floor((w - 1) / 2)):min(size(x, 3), c + floor(w / 2));
        total(:, :, c, :) = sum(x(:, :, seen, :) .^ 2, 3);
      end
      y = x ./ (option(p, 'K', 2) + option(p, 'Alpha', 1e-4) * total / w) .^ option(p, 'Beta', 0.75);
      results = {tensor(y, format)};
      return;
  end
  results = {tensor(y .* per_channel(p.Scale, format) + per_channel(p.Offset, format), format)};
end

function y = standard(x, over, epsilon)
  count = prod(arrayfun(@(d) size(x, d), over));
  m = x;
  for d = over, m = sum(m, d); end
  m = m / count;
  v = (x - m) .^ 2;
  for d = over, v = sum(v, d); end
  y = (x - m) ./ sqrt(v / count + epsilon);
end
