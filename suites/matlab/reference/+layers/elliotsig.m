function y = elliotsig(p, x)
  y = tensor(x.value ./ (1 + abs(x.value)), x.format);
end
