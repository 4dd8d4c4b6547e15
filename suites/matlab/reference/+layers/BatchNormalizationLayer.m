function y = BatchNormalizationLayer(p, x)
  mean = per_channel(p.TrainedMean, x.format);
  variance = per_channel(p.TrainedVariance, x.format);
  y = affine(p, tensor((x.value - mean) ./ sqrt(variance + option(p, 'Epsilon', 1e-5)), x.format));
end
