function y = GlobalMaxPooling1DLayer(p, x)
  y = over_everything(x, @(value, d) max(value, [], d));
end
