function varargout = parity_predict(model, varargin)
  % PARITY_PREDICT  Run a Keras, ONNX or torch model file on MATLAB arrays.
  %
  %   y = parity_predict('net.keras', x)
  %   [y1, y2] = parity_predict('net.onnx', x1, x2, ...)
  %   y = parity_predict('net.pt', x, 'Trust', true)
  %
  % The model file is .keras, .h5, .onnx, .pt, .pth or a SavedModel folder. Inputs and outputs are in the model's
  % order. Axes keep the order of the Python tensor: x of size [N H W C] is the tensor (N, H, W, C). Singleton axes at
  % the end, which MATLAB drops, are restored from the model. An output of rank 1 is a column. The model decides about
  % types: real numbers are rounded to float32, whole numbers that its type cannot hold exactly are an error. Outputs
  % keep their types (float32 is single, bool is logical); float16 and bfloat16 become single.
  %
  % Options, after the arrays:
  %   'Trust', true       the model file may run code when it is loaded: .pt and .pth files do
  %   'Command', 'parity' the program to call, with the folder it is in; the variable PARITY_COMMAND of the environment
  %                       is taken where it is set
  %
  % Each call starts the model's framework anew: about 9 s for Keras. Give all samples in one call.
  % What goes wrong is an error with the identifier 'parity:predict'.
  [arrays, options] = taken_apart(varargin);
  folder = tempname();
  mkdir(folder);
  cleaner = onCleanup(@() swept(folder));
  saved(fullfile(folder, 'in.mat'), arrays);
  run_model(char(model), folder, options);
  found = load(fullfile(folder, 'out.mat'));
  count = numel(fieldnames(found));
  if nargout > count
    error('parity:predict', '%s has %d outputs, %d were asked for', char(model), count, nargout);
  end
  varargout = cell(1, max(nargout, 1));
  for k = 1:numel(varargout)
    varargout{k} = found.(sprintf('y%d', k));
  end
end

function [arrays, options] = taken_apart(arguments)
  % Arrays up to the first text, and the options from there on.
  options = struct('Trust', false, 'Command', getenv('PARITY_COMMAND'));
  count = numel(arguments);
  for k = 1:numel(arguments)
    if is_text(arguments{k})
      count = k - 1;
      break;
    end
  end
  arrays = arguments(1:count);
  rest = arguments(count+1:end);
  if mod(numel(rest), 2) == 1
    error('parity:predict', 'the option %s has no value', char(rest{end}));
  end
  for k = 1:2:numel(rest)
    if ~is_text(rest{k}) || ~isfield(options, char(rest{k}))
      error('parity:predict', 'the options are ''Trust'' and ''Command'', in pairs with their values, after the arrays');
    end
    options.(char(rest{k})) = rest{k+1};
  end
  if ~(islogical(options.Trust) || isnumeric(options.Trust))
    error('parity:predict', 'the option ''Trust'' is true or false');
  end
  if isempty(options.Command)
    options.Command = 'parity';
  end
end

function answer = is_text(value)
  answer = ischar(value) || isa(value, 'string');
end

function saved(file, arrays)
  % The arrays as x1, x2, ...
  if isempty(arrays)
    error('parity:predict', 'no arrays: call y = parity_predict(model, x)');
  end
  held = struct();
  for k = 1:numel(arrays)
    if ~(isnumeric(arrays{k}) || islogical(arrays{k})) || issparse(arrays{k})
      error('parity:predict', 'input %d must be a full array of numbers or logicals, it is %s; give full(x) or numbers', ...
            k, described(arrays{k}));
    end
    held.(sprintf('x%d', k)) = arrays{k};
  end
  save(file, '-struct', 'held', '-v7');
end

function text = described(value)
  text = class(value);
  if issparse(value)
    text = ['sparse ' text];
  end
end

function run_model(model, folder, options)
  command = [char(options.Command) ' predict ' quoted(model) ...
             ' --inputs ' quoted(fullfile(folder, 'in.mat')) ' --outputs ' quoted(fullfile(folder, 'out.mat'))];
  if options.Trust
    command = [command ' --trust'];
  end
  [status, said] = system([command ' 2>&1']);
  said = regexprep(strtrim(said), '^parity: ', '');
  if status == 127
    error('parity:predict', ['%s cannot be run (%s); start MATLAB where the Python environment of the parity suite is ' ...
          'active, or give ''Command'', ''/folder/of/it/bin/parity'''], char(options.Command), said);
  elseif status ~= 0
    error('parity:predict', '%s', said);
  end
end

function text = quoted(text)
  % One word of a command line.
  if ispc()
    text = ['"' text '"'];
  else
    text = ['''' strrep(text, '''', '''\''''') ''''];
  end
end

function swept(folder)
  % Remove the two files and their folder. (Octave asks before it removes a folder that is not empty.)
  for name = {'in.mat', 'out.mat'}
    file = fullfile(folder, name{1});
    if exist(file, 'file')
      delete(file);
    end
  end
  rmdir(folder);
end
