function y = GRULayer(p, x)
  v = x.value;
  w = double(p.InputWeights);
  r = double(p.RecurrentWeights);
  b = double(p.Bias(:));
  state = option(p, 'StateActivationFunction', 'tanh');
  gate = option(p, 'GateActivationFunction', 'sigmoid');
  mode = option(p, 'ResetGateMode', 'after-multiplication');
  units = size(r, 2);
  extra = zeros(3 * units, 1);
  if strcmp(mode, 'recurrent-bias-after-multiplication')
    extra = b(3 * units + 1:end);
    b = b(1:3 * units);
  end
  h = reshape(option(p, 'HiddenState', 0), [], 1) + zeros(units, size(v, 2));
  steps = zeros(units, size(v, 2), size(v, 3));
  rr = r(1:units, :); rz = r(units + 1:2 * units, :); rn = r(2 * units + 1:end, :);
  er = extra(1:units); ez = extra(units + 1:2 * units); en = extra(2 * units + 1:end);
  for t = 1:size(v, 3)
    seen = w * v(:, :, t) + b;
    reset = activation(gate, seen(1:units, :) + rr * h + er);
    update = activation(gate, seen(units + 1:2 * units, :) + rz * h + ez);
    if strcmp(mode, 'before-multiplication')
      new = activation(state, seen(2 * units + 1:end, :) + rn * (reset .* h));
    else
      new = activation(state, seen(2 * units + 1:end, :) + reset .* (rn * h + en));
    end
    h = (1 - update) .* new + update .* h;
    steps(:, :, t) = h;
  end
  y = steps_of(p, x, steps);
end
