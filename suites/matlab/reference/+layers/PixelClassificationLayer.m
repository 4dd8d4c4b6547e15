function y = PixelClassificationLayer(p, x)
  % Nothing at inference.
  y = x;
end
