function y = per_channel(values, format)
  % One value per channel, shaped to be combined with an array of that format.
  sizes = ones(1, max(2, numel(format)));
  sizes(channel_dimension(format)) = numel(values);
  y = reshape(double(values), sizes);
end
