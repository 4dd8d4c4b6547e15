function y = ScalingLayer(p, x)
  y = tensor(x.value .* option(p, 'Scale', 1) + option(p, 'Offset', 0), x.format);
end
