function y = RegressionOutputLayer(p, x)
  % Nothing at inference.
  y = x;
end
