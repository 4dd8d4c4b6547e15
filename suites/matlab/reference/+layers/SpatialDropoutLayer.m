function y = SpatialDropoutLayer(p, x)
  % Nothing at inference.
  y = x;
end
