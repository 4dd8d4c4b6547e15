function y = lstm(p, x, h, c)
  % Outputs of all steps of C x N x T, from a state.
  w = double(p.InputWeights);
  r = double(p.RecurrentWeights);
  b = double(p.Bias(:));
  state = option(p, 'StateActivationFunction', 'tanh');
  gate = option(p, 'GateActivationFunction', 'sigmoid');
  units = size(r, 2);
  h = h(:) + zeros(units, size(x, 2));
  c = c(:) + zeros(units, size(x, 2));
  y = zeros(units, size(x, 2), size(x, 3));
  for t = 1:size(x, 3)
    z = w * x(:, :, t) + r * h + b;
    i = activation(gate, z(1:units, :));
    f = activation(gate, z(units + 1:2 * units, :));
    g = activation(state, z(2 * units + 1:3 * units, :));
    o = activation(gate, z(3 * units + 1:end, :));
    c = f .* c + i .* g;
    h = o .* activation(state, c);
    y(:, :, t) = h;
  end
end
