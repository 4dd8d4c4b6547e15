function y = ImageInputLayer(p, x)
  y = normalized_input(p, tensor(x.value, 'SSCB'));
end
