function y = ConcatenationLayer(p, x, varargin)
  values = cellfun(@(t) t.value, varargin, 'UniformOutput', false);
  y = tensor(cat(option(p, 'Dim', []), x.value, values{:}), x.format);
end
