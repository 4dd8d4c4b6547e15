function y = MaxUnpooling2DLayer(p, x, indices, sizes)
  v = x.value;
  at = indices.value;
  value = zeros(sizes.value(1), sizes.value(2), size(v, 3), size(v, 4));
  for n = 1:numel(v)
    [~, ~, ch, s] = ind2sub([size(v, 1), size(v, 2), size(v, 3), size(v, 4)], n);
    value(floor(at(n) / sizes.value(2)) + 1, mod(at(n), sizes.value(2)) + 1, ch, s) = v(n);
  end
  y = tensor(value, 'SSCB');
end
