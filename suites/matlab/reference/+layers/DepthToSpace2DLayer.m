function y = DepthToSpace2DLayer(p, x)
  block = option(p, 'BlockSize', []);
  depth = size(x.value, 3) / prod(block);
  value = zeros(size(x.value, 1) * block(1), size(x.value, 2) * block(2), depth, size(x.value, 4));
  for i = 1:block(1)
    for j = 1:block(2)
      for d = 1:depth
        if strcmp(option(p, 'Mode', 'dcr'), 'dcr')
          c = ((i - 1) * block(2) + j - 1) * depth + d;
        else
          c = ((d - 1) * block(1) + i - 1) * block(2) + j;
        end
        value(i:block(1):end, j:block(2):end, d, :) = x.value(:, :, c, :);
      end
    end
  end
  y = tensor(value, x.format);
end
