function y = LSTMLayer(p, x)
  y = steps_of(p, x, lstm(p, x.value, option(p, 'HiddenState', 0), option(p, 'CellState', 0)));
end
