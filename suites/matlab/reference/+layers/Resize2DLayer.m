function y = Resize2DLayer(p, x)
  v = x.value;
  for axis = 1:2
    n = size(v, axis);
    target = option(p, 'OutputSize', []);
    if isempty(target)
      scales = option(p, 'Scale', []);
      scale = scales(axis);
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
      v = v(cut{:});
    else
      low = floor(at);
      share = at - low;
      if axis == 1, share = share(:); end
      cut{axis} = min(max(low, 0), n - 1) + 1;
      first = v(cut{:});
      cut{axis} = min(max(low + 1, 0), n - 1) + 1;
      v = first .* (1 - share) + v(cut{:}) .* share;
    end
  end
  y = tensor(v, x.format);
end
