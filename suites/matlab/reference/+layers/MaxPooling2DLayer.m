function [y, indices, sizes] = MaxPooling2DLayer(p, x)
  y = pooled(p, x, @max, -Inf);
  if nargout > 1
    [indices, sizes] = places(p, x, y);
  end
end
