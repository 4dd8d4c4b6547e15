function y = FocalLossLayer(p, x)
  % Nothing at inference.
  y = x;
end
