function y = GroupedConvolution2DLayer(p, x)
  % A convolution for each group of channels.
  depth = size(p.Weights, 3);
  value = [];
  for g = 1:size(p.Weights, 5)
    q = p;
    q.Weights = p.Weights(:, :, :, :, g);
    q.Bias = p.Bias(:, g);
    part = correlated(q, tensor(x.value(:, :, (g - 1) * depth + (1:depth), :), x.format));
    value = cat(3, value, part.value);
  end
  y = tensor(value, 'SSCB');
end
