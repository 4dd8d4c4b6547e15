function varargout = reference_layer(kind, p, varargin)
  % One layer: +layers/<kind>.m. It takes a struct of MATLAB's own property names, whose learnables are in MATLAB's
  % layout, then one tensor (a struct of value and format) for each input, and gives one for each output.
  % Independent of any framework; double precision.
  folder = fullfile(fileparts(mfilename('fullpath')), '+layers');
  if ~exist(fullfile(folder, [kind '.m']), 'file')
    error('parity:unknown', 'the reference has no layer %s', kind);
  end
  [varargout{1:nargout}] = feval(['layers.' kind], p, varargin{:});
end
