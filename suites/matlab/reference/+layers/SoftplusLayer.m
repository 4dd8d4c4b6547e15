function y = SoftplusLayer(p, x)
  y = tensor(max(x.value, 0) + log1p(exp(-abs(x.value))), x.format);
end
