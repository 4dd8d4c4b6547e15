function y = LeakyReLULayer(p, x)
  y = x;
  low = x.value < 0;
  y.value(low) = option(p, 'Scale', 0.01) * x.value(low);
end
