function y = GlobalAveragePooling1DLayer(p, x)
  y = over_everything(x, @mean);
end
