function y = GlobalMaxPooling3DLayer(p, x)
  y = over_everything(x, @(value, d) max(value, [], d));
end
