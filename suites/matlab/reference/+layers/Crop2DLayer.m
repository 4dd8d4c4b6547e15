function y = Crop2DLayer(p, x, reference)
  n = [size(reference.value, 1) size(reference.value, 2)];
  first = floor(([size(x.value, 1) size(x.value, 2)] - n) / 2) + 1;
  if strcmp(option(p, 'Mode', 'centercrop'), 'custom')
    first = fliplr(option(p, 'Location', []));            % [x y]
  end
  y = tensor(x.value(first(1):first(1) + n(1) - 1, first(2):first(2) + n(2) - 1, :, :), x.format);
end
