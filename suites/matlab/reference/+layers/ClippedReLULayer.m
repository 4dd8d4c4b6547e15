function y = ClippedReLULayer(p, x)
  y = tensor(min(max(x.value, 0), option(p, 'Ceiling', [])), x.format);
end
