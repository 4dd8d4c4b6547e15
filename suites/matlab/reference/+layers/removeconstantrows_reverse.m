function y = removeconstantrows_reverse(p, x)
  value = zeros(numel(p.keep) + numel(p.remove), size(x.value, 2));
  value(p.keep, :) = x.value;
  value(p.remove, :) = repmat(double(p.value(:)), 1, size(x.value, 2));
  y = tensor(value, x.format);
end
