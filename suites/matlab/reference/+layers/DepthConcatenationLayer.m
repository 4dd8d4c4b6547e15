function y = DepthConcatenationLayer(p, x, varargin)
  values = cellfun(@(t) t.value, varargin, 'UniformOutput', false);
  y = tensor(cat(channel_dimension(x.format), x.value, values{:}), x.format);
end
