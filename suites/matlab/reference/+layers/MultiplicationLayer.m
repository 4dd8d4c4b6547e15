function y = MultiplicationLayer(p, x, varargin)
  y = x;
  for k = 1:numel(varargin), y.value = y.value .* varargin{k}.value; end
end
