function results = reference_core(kind, p, inputs)
  x = inputs{1}.value;
  format = inputs{1}.format;
  switch kind
    case {'ImageInputLayer', 'Image3DInputLayer', 'SequenceInputLayer', 'FeatureInputLayer'}
      y = normalized(p, x, format);
    case 'FullyConnectedLayer'
      [x, format] = columns_of(x, format);
      sizes = size(x);
      y = double(p.Weights) * reshape(x, sizes(1), []) + double(p.Bias(:));
      y = reshape(y, [rows(y) sizes(2:end)]);
    case 'FlattenLayer',       [y, format] = columns_of(x, format);
    case {'ReLULayer', 'poslin'}, y = x .* (x > 0);
    case 'LeakyReLULayer',     y = x; y(x < 0) = option(p, 'Scale', 0.01) * x(x < 0);
    case 'ClippedReLULayer',   y = min(max(x, 0), option(p, 'Ceiling', []));
    case 'ELULayer',           y = x; y(x < 0) = option(p, 'Alpha', 1) * expm1(x(x < 0));
    case 'PReLULayer',         y = max(x, 0) + per_channel(p.Alpha, format) .* min(x, 0);
    case {'TanhLayer', 'tansig'}, y = tanh(x);
    case {'SigmoidLayer', 'logsig'}, y = 1 ./ (1 + exp(-x));
    case 'SwishLayer',         y = x ./ (1 + exp(-x));
    case 'SoftplusLayer',      y = max(x, 0) + log1p(exp(-abs(x)));
    case 'GELULayer'
      if strcmp(option(p, 'Approximation', 'none'), 'tanh')
        y = x / 2 .* (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x .^ 3)));
      else
        y = x / 2 .* (1 + erf(x / sqrt(2)));
      end
    case {'SoftmaxLayer', 'softmax'}
      d = channel_dimension(format);
      y = exp(x - max(x, [], d));
      y = y ./ sum(y, d);
    case 'AdditionLayer'
      y = x;
      for k = 2:numel(inputs), y = y + inputs{k}.value; end
    case 'MultiplicationLayer'
      y = x;
      for k = 2:numel(inputs), y = y .* inputs{k}.value; end
    case 'DepthConcatenationLayer'
      values = cellfun(@(t) t.value, inputs, 'UniformOutput', false);
      y = cat(channel_dimension(format), values{:});
    case 'ConcatenationLayer'
      values = cellfun(@(t) t.value, inputs, 'UniformOutput', false);
      y = cat(option(p, 'Dim', []), values{:});
    case {'DropoutLayer', 'SpatialDropoutLayer', 'ClassificationOutputLayer', 'RegressionOutputLayer', ...
          'PixelClassificationLayer', 'DicePixelClassificationLayer', 'FocalLossLayer'}
      y = x;
    case 'WordEmbeddingLayer'
      y = embedded(p, x);
    case 'DepthToSpace2DLayer', y = spread(p, x);
    case 'Resize2DLayer',      y = resized(p, x);
    case 'Crop2DLayer'
      n = [size(inputs{2}.value, 1) size(inputs{2}.value, 2)];
      first = floor(([size(x, 1) size(x, 2)] - n) / 2) + 1;
      if strcmp(option(p, 'Mode', 'centercrop'), 'custom')
        first = fliplr(option(p, 'Location', []));            % [x y]
      end
      y = x(first(1):first(1) + n(1) - 1, first(2):first(2) + n(2) - 1, :, :);
    case 'satlin',    y = min(max(x, 0), 1);
    case 'satlins',   y = min(max(x, -1), 1);
    case 'radbas',    y = exp(-x .^ 2);
    case 'tribas',    y = max(1 - abs(x), 0);
    case 'elliotsig', y = x ./ (1 + abs(x));
    case 'hardlim',   y = double(x >= 0);
    case 'hardlims',  y = 2 * (x >= 0) - 1;
    case {'mapminmax', 'mapstd'}
      y = bsxfun(@times, x - double(p.xoffset(:)), double(p.gain(:))) + option(p, 'y', 0);
    case {'mapminmax_reverse', 'mapstd_reverse'}
      y = (x - option(p, 'y', 0)) ./ double(p.gain(:)) + double(p.xoffset(:));
    case 'removeconstantrows', y = x(option(p, 'keep', []), :);
    case 'removeconstantrows_reverse'
      y = zeros(numel(p.keep) + numel(p.remove), columns(x));
      y(p.keep, :) = x;
      y(p.remove, :) = repmat(double(p.value(:)), 1, columns(x));
    otherwise
      error('parity:unknown', 'the reference has no layer %s', kind);
  end
  results = {tensor(y, format)};
end

function y = normalized(p, x, format)
  y = x;
  kind = option(p, 'Normalization', 'none');
  switch kind
    case 'none'
    case 'zerocenter', y = x - statistic(p.Mean, p, format);
    case 'zscore',     y = (x - statistic(p.Mean, p, format)) ./ statistic(p.StandardDeviation, p, format);
    otherwise
      low = statistic(p.Min, p, format);
      y = (x - low) ./ (statistic(p.Max, p, format) - low);
      if strcmp(kind, 'rescale-symmetric'), y = 2 * y - 1; end
  end
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

function [y, format] = columns_of(x, format)
  % Images to features: MATLAB's memory order is height, width, (depth,) channel.
  y = x;
  if any(format == 'S')
    sizes = arrayfun(@(k) size(x, k), 1:numel(format));
    y = reshape(x, prod(sizes(1:end - 1)), sizes(end));
    format = 'CB';
  end
end

function y = embedded(p, x)
  w = double(p.Weights);
  index = reshape(x, 1, []);
  if strcmp(option(p, 'OOVMode', 'map-to-last'), 'map-to-last')
    index(index < 1 | index >= columns(w)) = columns(w);
  end
  y = reshape(w(:, index), [rows(w), size(x, 2), size(x, 3)]);
end

function y = spread(p, x)
  block = option(p, 'BlockSize', []);
  depth = size(x, 3) / prod(block);
  y = zeros(size(x, 1) * block(1), size(x, 2) * block(2), depth, size(x, 4));
  for i = 1:block(1)
    for j = 1:block(2)
      for d = 1:depth
        if strcmp(option(p, 'Mode', 'dcr'), 'dcr')
          c = ((i - 1) * block(2) + j - 1) * depth + d;
        else
          c = ((d - 1) * block(1) + i - 1) * block(2) + j;
        end
        y(i:block(1):end, j:block(2):end, d, :) = x(:, :, c, :);
      end
    end
  end
end

function y = resized(p, x)
  for axis = 1:2
    n = size(x, axis);
    target = option(p, 'OutputSize', []);
    if isempty(target)
      scale = option(p, 'Scale', [])(axis);
      count = floor(scale * n);
    else
      count = target(axis);
      scale = count / n;
    end
    at = (0:count - 1) / scale;
    if strcmp(option(p, 'GeometricTransformMode', 'half-pixel'), 'half-pixel')
      at = ((0:count - 1) + 0.5) / scale - 0.5;
    end
    cut = {':', ':', ':', ':'};
    if strcmp(option(p, 'Method', 'nearest'), 'nearest')
      switch option(p, 'NearestRoundingMode', 'round')
        case 'round',   at = floor(at + 0.5);
        case 'floor',   at = floor(at);
        case 'onnx-10', at = ceil(at - 0.5);
      end
      cut{axis} = min(max(at, 0), n - 1) + 1;
      x = x(cut{:});
    else
      low = floor(at);
      share = at - low;
      if axis == 1, share = share(:); end
      cut{axis} = min(max(low, 0), n - 1) + 1;
      first = x(cut{:});
      cut{axis} = min(max(low + 1, 0), n - 1) + 1;
      x = first .* (1 - share) + x(cut{:}) .* share;
    end
  end
  y = x;
end
