function y = activation(name, x)
  % Activations of states and gates.
  switch name
    case 'tanh',         y = tanh(x);
    case 'softsign',     y = x ./ (1 + abs(x));
    case 'relu',         y = max(x, 0);
    case 'sigmoid',      y = 1 ./ (1 + exp(-x));
    case 'hard-sigmoid', y = min(max(0.2 * x + 0.5, 0), 1);
  end
end
