function y = GroupNormalizationLayer(p, x)
  channel = channel_dimension(x.format);
  over = find(x.format ~= 'B');
  groups = option(p, 'NumGroups', 1);
  count = size(x.value, channel);
  if strcmp(groups, 'all-channels'), groups = 1; end
  if strcmp(groups, 'channel-wise'), groups = count; end
  value = x.value;
  for g = 1:groups
    cut = repmat({':'}, 1, max(2, numel(x.format)));
    cut{channel} = (g - 1) * count / groups + (1:count / groups);
    value(cut{:}) = standard(x.value(cut{:}), over, option(p, 'Epsilon', 1e-5));
  end
  y = affine(p, tensor(value, x.format));
end
