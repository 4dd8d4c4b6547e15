function p = projected(p)
  % Projectors multiplied into the weights.
  p.InputWeights = double(p.InputWeights) * double(p.InputProjector)';
  p.RecurrentWeights = double(p.RecurrentWeights) * double(p.OutputProjector)';
end
