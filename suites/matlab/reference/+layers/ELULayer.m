function y = ELULayer(p, x)
  y = x;
  low = x.value < 0;
  y.value(low) = option(p, 'Alpha', 1) * expm1(x.value(low));
end
