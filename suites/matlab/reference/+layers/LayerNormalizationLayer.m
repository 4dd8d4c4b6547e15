function y = LayerNormalizationLayer(p, x)
  dims = 1:numel(x.format);
  channel = channel_dimension(x.format);
  spatial = dims(x.format == 'S');
  switch option(p, 'OperationDimension', 'auto')
    case 'channel-only',    over = channel;
    case 'spatial-channel', over = [spatial channel];
    case 'batch-excluded',  over = [spatial channel dims(x.format == 'T')];
    otherwise
      over = channel;
      if numel(spatial) > 1, over = [spatial channel]; end
  end
  y = affine(p, tensor(standard(x.value, over, option(p, 'Epsilon', 1e-5)), x.format));
end
