function y = ClassificationOutputLayer(p, x)
  % Nothing at inference.
  y = x;
end
