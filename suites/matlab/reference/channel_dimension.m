function d = channel_dimension(format)
  d = find(format == 'C');
end
