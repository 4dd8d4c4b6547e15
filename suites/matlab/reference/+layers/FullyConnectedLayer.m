function y = FullyConnectedLayer(p, x)
  x = columns_of(x);
  sizes = size(x.value);
  value = double(p.Weights) * reshape(x.value, sizes(1), []) + double(p.Bias(:));
  y = tensor(reshape(value, [size(value, 1) sizes(2:end)]), x.format);
end
