function y = GlobalAveragePooling2DLayer(p, x)
  y = over_everything(x, @mean);
end
