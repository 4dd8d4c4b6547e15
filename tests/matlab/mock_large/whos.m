function info = whos(name)
  % A variable of 3 GB.
  info = struct('name', name, 'bytes', 3 * 2^30);
end
