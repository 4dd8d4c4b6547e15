function info = whos(varargin)
  % A small variable; a file that holds nothing, as after MATLAB's warning that a variable was not saved.
  info = struct('name', {}, 'bytes', {});
  if numel(varargin) == 1
    info = struct('name', varargin{1}, 'bytes', 100);
  end
end
