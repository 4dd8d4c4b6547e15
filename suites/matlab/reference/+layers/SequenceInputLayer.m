function y = SequenceInputLayer(p, x)
  y = normalized_input(p, tensor(x.value, 'CBT'));
end
