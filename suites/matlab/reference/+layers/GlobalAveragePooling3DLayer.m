function y = GlobalAveragePooling3DLayer(p, x)
  y = over_everything(x, @mean);
end
