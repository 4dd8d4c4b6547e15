function y = Image3DInputLayer(p, x)
  y = normalized_input(p, tensor(x.value, 'SSSCB'));
end
