function y = mapstd_reverse(p, x)
  % The same map, with other settings.
  y = layers.mapminmax_reverse(p, x);
end
