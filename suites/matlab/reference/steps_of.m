function y = steps_of(p, x, value)
  % All steps of a recurrent layer, or the last one.
  if last_only(p, x)
    y = tensor(value(:, :, end), 'CB');
  else
    y = tensor(value, 'CBT');
  end
end
