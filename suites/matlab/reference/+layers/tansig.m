function y = tansig(p, x)
  y = layers.TanhLayer(p, x);
end
