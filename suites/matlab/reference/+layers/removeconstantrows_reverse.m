function y = removeconstantrows_reverse(p, x)
  value = zeros(numel(p.keep) + numel(p.remove), columns(x.value));
  value(p.keep, :) = x.value;
  value(p.remove, :) = repmat(double(p.value(:)), 1, columns(x.value));
  y = tensor(value, x.format);
end
