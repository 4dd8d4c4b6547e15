function y = affine(p, x)
  % Each channel times its Scale, plus its Offset.
  y = tensor(x.value .* per_channel(p.Scale, x.format) + per_channel(p.Offset, x.format), x.format);
end
