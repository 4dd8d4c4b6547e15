function y = InstanceNormalizationLayer(p, x)
  over = find(x.format == 'S' | x.format == 'T');
  y = affine(p, tensor(standard(x.value, over, option(p, 'Epsilon', 1e-5)), x.format));
end
