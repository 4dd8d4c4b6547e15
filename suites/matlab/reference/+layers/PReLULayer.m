function y = PReLULayer(p, x)
  y = tensor(max(x.value, 0) + per_channel(p.Alpha, x.format) .* min(x.value, 0), x.format);
end
