function y = BiLSTMLayer(p, x)
  n = size(p.InputWeights, 1) / 2;
  units = n / 4;
  h = reshape(option(p, 'HiddenState', zeros(2 * units, 1)), [], 1);
  c = reshape(option(p, 'CellState', zeros(2 * units, 1)), [], 1);
  ahead = lstm(half(p, 1:n), x.value, h(1:units), c(1:units));
  back = lstm(half(p, n + 1:2 * n), x.value(:, :, end:-1:1), h(units + 1:end), c(units + 1:end));
  if last_only(p, x)
    y = tensor([ahead(:, :, end); back(:, :, end)], 'CB');
  else
    y = tensor(cat(1, ahead, back(:, :, end:-1:1)), 'CBT');
  end
end

function p = half(p, which)
  % The learnables of one direction.
  p.InputWeights = p.InputWeights(which, :);
  p.RecurrentWeights = p.RecurrentWeights(which, :);
  p.Bias = p.Bias(which);
end
