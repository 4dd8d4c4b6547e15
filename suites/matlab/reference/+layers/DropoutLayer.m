function y = DropoutLayer(p, x)
  % Nothing at inference.
  y = x;
end
