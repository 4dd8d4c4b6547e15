function y = IdentityLayer(p, x)
  y = x;
end
