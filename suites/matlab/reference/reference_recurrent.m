function results = reference_recurrent(kind, p, inputs)
  x = inputs{1}.value;                                % C x N x T
  single_step = strcmp(inputs{1}.format, 'CB');
  if strcmp(kind, 'SelfAttentionLayer')
    results = {tensor(attend(p, x), 'CBT')};
    return;
  end
  if any(strcmp(kind, {'LSTMProjectedLayer', 'GRUProjectedLayer'}))
    p.InputWeights = double(p.InputWeights) * double(p.InputProjector)';
    p.RecurrentWeights = double(p.RecurrentWeights) * double(p.OutputProjector)';
  end
  last = strcmp(option(p, 'OutputMode', 'sequence'), 'last') || single_step;
  w = double(p.InputWeights);
  r = double(p.RecurrentWeights);
  b = double(p.Bias(:));
  switch kind
    case {'LSTMLayer', 'LSTMProjectedLayer'}
      y = lstm(p, w, r, b, x, option(p, 'HiddenState', 0), option(p, 'CellState', 0));
      if last, y = y(:, :, end); end
    case 'BiLSTMLayer'
      n = rows(w) / 2;
      units = n / 4;
      h = option(p, 'HiddenState', zeros(2 * units, 1));
      c = option(p, 'CellState', zeros(2 * units, 1));
      ahead = lstm(p, w(1:n, :), r(1:n, :), b(1:n), x, h(1:units)(:), c(1:units)(:));
      back = lstm(p, w(n + 1:end, :), r(n + 1:end, :), b(n + 1:end), x(:, :, end:-1:1), h(units + 1:end)(:), c(units + 1:end)(:));
      if last
        y = [ahead(:, :, end); back(:, :, end)];
      else
        y = cat(1, ahead, back(:, :, end:-1:1));
      end
    otherwise
      y = gru(p, w, r, b, x);
      if last, y = y(:, :, end); end
  end
  if last, format = 'CB'; else, format = 'CBT'; end
  results = {tensor(y, format)};
end

function y = activation(name, x)
  switch name
    case 'tanh',         y = tanh(x);
    case 'softsign',     y = x ./ (1 + abs(x));
    case 'relu',         y = max(x, 0);
    case 'sigmoid',      y = 1 ./ (1 + exp(-x));
    case 'hard-sigmoid', y = min(max(0.2 * x + 0.5, 0), 1);
  end
end

function y = lstm(p, w, r, b, x, h, c)
  state = option(p, 'StateActivationFunction', 'tanh');
  gate = option(p, 'GateActivationFunction', 'sigmoid');
  units = columns(r);
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

function y = gru(p, w, r, b, x)
  state = option(p, 'StateActivationFunction', 'tanh');
  gate = option(p, 'GateActivationFunction', 'sigmoid');
  mode = option(p, 'ResetGateMode', 'after-multiplication');
  units = columns(r);
  extra = zeros(3 * units, 1);
  if strcmp(mode, 'recurrent-bias-after-multiplication')
    extra = b(3 * units + 1:end);
    b = b(1:3 * units);
  end
  h = option(p, 'HiddenState', 0)(:) + zeros(units, size(x, 2));
  y = zeros(units, size(x, 2), size(x, 3));
  rr = r(1:units, :); rz = r(units + 1:2 * units, :); rn = r(2 * units + 1:end, :);
  er = extra(1:units); ez = extra(units + 1:2 * units); en = extra(2 * units + 1:end);
  for t = 1:size(x, 3)
    seen = w * x(:, :, t) + b;
    reset = activation(gate, seen(1:units, :) + rr * h + er);
    update = activation(gate, seen(units + 1:2 * units, :) + rz * h + ez);
    if strcmp(mode, 'before-multiplication')
      new = activation(state, seen(2 * units + 1:end, :) + rn * (reset .* h));
    else
      new = activation(state, seen(2 * units + 1:end, :) + reset .* (rn * h + en));
    end
    h = (1 - update) .* new + update .* h;
    y(:, :, t) = h;
  end
end

function y = attend(p, x)
  heads = option(p, 'NumHeads', 1);
  steps = size(x, 3);
  y = zeros(rows(p.OutputWeights), size(x, 2), steps);
  for s = 1:size(x, 2)
    seq = reshape(x(:, s, :), size(x, 1), steps);                    % C x T
    q = double(p.QueryWeights) * seq + double(p.QueryBias(:));
    k = double(p.KeyWeights) * seq + double(p.KeyBias(:));
    v = double(p.ValueWeights) * seq + double(p.ValueBias(:));
    wide = rows(k) / heads;
    tall = rows(v) / heads;
    joined = zeros(rows(v), steps);
    for head = 1:heads
      own = (head - 1) * wide + (1:wide);
      score = k(own, :)' * q(own, :) / sqrt(wide);                   % keys x queries
      if strcmp(option(p, 'AttentionMask', 'none'), 'causal')
        score(tril(true(steps), -1)) = -Inf;
      end
      share = exp(score - max(score, [], 1));
      share = share ./ sum(share, 1);
      out = (head - 1) * tall + (1:tall);
      joined(out, :) = v(out, :) * share;
    end
    made = double(p.OutputWeights) * joined + double(p.OutputBias(:));
    y(:, s, :) = reshape(made, rows(made), 1, steps);
  end
end
