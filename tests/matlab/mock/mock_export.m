function mock_export(network, file, varargin)
  % Export a network by name with samples by name; an error is printed as "identifier: message".
  here = pwd();
  folder = '';
  samples = {};
  for k = 1:numel(varargin)
    switch varargin{k}
      case {'mock_save', 'mock_large', 'mock_left_out'}
        folder = fullfile(fileparts(fileparts(mfilename('fullpath'))), varargin{k});
      case 'relative'
        [inside, name] = fileparts(file);
        cd(inside);
        file = string(name);
      otherwise
        samples{end + 1} = mock_sample(varargin{k});
    end
  end
  net = mock_network(network);
  warning('off', 'Octave:shadowed-function', 'local');
  if ~isempty(folder)
    addpath(folder);
  end
  try
    export_parity(net, file, samples{:});
  catch problem
    printf('%s: %s\n', problem.identifier, problem.message);
  end
  if ~isempty(folder)
    rmpath(folder);
  end
  cd(here);
end
