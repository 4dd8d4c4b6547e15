function y = mapminmax_reverse(p, x)
  value = (x.value - option(p, 'y', 0)) ./ double(p.gain(:)) + double(p.xoffset(:));
  y = tensor(value, x.format);
end
