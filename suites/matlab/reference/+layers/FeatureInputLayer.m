function y = FeatureInputLayer(p, x)
  y = normalized_input(p, tensor(x.value, 'CB'));
end
