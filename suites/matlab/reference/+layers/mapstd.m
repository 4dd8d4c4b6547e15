function y = mapstd(p, x)
  % The same map, with other settings.
  y = layers.mapminmax(p, x);
end
