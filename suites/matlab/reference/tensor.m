function t = tensor(value, format)
  t = struct('value', value, 'format', format);
end
