function y = SwishLayer(p, x)
  y = tensor(x.value ./ (1 + exp(-x.value)), x.format);
end
