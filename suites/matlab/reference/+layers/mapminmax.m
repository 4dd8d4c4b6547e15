function y = mapminmax(p, x)
  value = bsxfun(@times, x.value - double(p.xoffset(:)), double(p.gain(:))) + option(p, 'y', 0);
  y = tensor(value, x.format);
end
