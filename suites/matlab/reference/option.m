function value = option(p, name, default)
  % A property, or its default where it is absent or empty. Numbers come as double rows or matrices.
  if isfield(p, name) && ~isempty(p.(name))
    value = p.(name);
    if isnumeric(value), value = double(value); end
  else
    value = default;
  end
end
