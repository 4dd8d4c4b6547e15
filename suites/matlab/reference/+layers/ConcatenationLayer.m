function y = ConcatenationLayer(p, x, varargin)
  values = cellfun(@(t) t.value, varargin, 'UniformOutput', false);
  d = option(p, 'Dim', []);
  if strcmp(x.format, 'CB') && d == 3, d = 1; end           % 1 x 1 x C after an image
  y = tensor(cat(d, x.value, values{:}), x.format);
end
