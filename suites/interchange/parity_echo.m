function parity_echo(source, target, flag)
  % Load a MAT file, save its variables to another in the format of flag ("-v4", "-v6", "-v7"), and print a line for
  % each: name, class, size, and SHA-256 of its bytes in column-major order, of a complex one the real parts first.
  held = load(source);
  save(flag, target, "-struct", "held");
  names = fieldnames(held);
  for k = 1:numel(names)
    value = held.(names{k});
    what = class(value);
    parts = {value};
    if iscomplex(value)
      what = [what " complex"];
      parts = {real(value), imag(value)};
    end
    bytes = cellfun(@(part) typecast(reshape(part, 1, []), "uint8"), parts, "UniformOutput", false);
    lengths = strjoin(arrayfun(@(n) sprintf("%d", n), size(value), "UniformOutput", false), "x");
    printf("%s %s %s %s\n", names{k}, what, lengths, hash("sha256", char([bytes{:}])));
  end
end
