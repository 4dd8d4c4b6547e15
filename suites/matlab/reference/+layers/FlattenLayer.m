function y = FlattenLayer(p, x)
  y = columns_of(x);
end
