function y = columns_of(x)
  % Images to features: MATLAB's memory order is height, width, (depth,) channel.
  y = x;
  if any(x.format == 'S')
    sizes = arrayfun(@(k) size(x.value, k), 1:numel(x.format));
    y = tensor(reshape(x.value, prod(sizes(1:end - 1)), sizes(end)), 'CB');
  end
end
