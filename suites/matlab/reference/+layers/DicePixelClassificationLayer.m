function y = DicePixelClassificationLayer(p, x)
  % Nothing at inference.
  y = x;
end
