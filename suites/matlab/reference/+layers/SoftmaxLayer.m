function y = SoftmaxLayer(p, x)
  d = channel_dimension(x.format);
  powers = exp(x.value - max(x.value, [], d));
  y = tensor(powers ./ sum(powers, d), x.format);
end
