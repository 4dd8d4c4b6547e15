function varargout = run_model(varargin)
  % RUN_MODEL  Run the network in the file model.mat beside this function.
  %
  %   y = run_model(x)
  %   [y1, y2] = run_model(x1, x2, ...)
  %
  % Inputs and outputs are in the order of the Keras model, their axes in Keras' order: [N H W C] for images,
  % [N H W D C] for volumes, [N T C] for sequences, [N C] for features. Outputs are single, all arithmetic is double.
  here = fileparts(mfilename('fullpath'));
  layers = fullfile(here, 'layers');
  addpath(layers);
  cleaner = onCleanup(@() rmpath(layers));
  stored = load(fullfile(here, 'model.mat'));
  net = stored.parity;
  if numel(varargin) ~= numel(net.inputs)
    error('parity:inputs', 'the network has %d inputs, %d were given', numel(net.inputs), numel(varargin));
  end
  arrays = cell(1, numel(varargin));
  for k = 1:numel(arrays)
    order = order_of(net, net.inputs{k});
    if ndims(varargin{k}) > numel(order)
      error('parity:inputs', 'input %d has %d dimensions, the network takes %d', k, ndims(varargin{k}), numel(order));
    end
    arrays{k} = permute(varargin{k}, order);
  end
  [values, formats] = forward(net, arrays);
  varargout = cell(1, numel(values));
  for k = 1:numel(values)
    switch formats{k}
      case 'CB',    varargout{k} = permute(values{k}, [2 1]);
      case 'CBT',   varargout{k} = permute(values{k}, [2 3 1]);
      case 'SSCB',  varargout{k} = permute(values{k}, [4 1 2 3]);
      case 'SSSCB', varargout{k} = permute(values{k}, [5 1 2 3 4]);
      otherwise,    error('parity:format', 'an output has the format %s', formats{k});
    end
  end
end

function order = order_of(net, name)
  % The axes of a Keras array in the order of MATLAB's layout, by the kind of the input layer.
  for k = 1:numel(net.layers)
    if strcmp(net.layers{k}.name, name)
      switch regexprep(net.layers{k}.class, '^.*\.', '')
        case 'ImageInputLayer',    order = [2 3 4 1];
        case 'Image3DInputLayer',  order = [2 3 4 5 1];
        case 'SequenceInputLayer', order = [3 1 2];
        otherwise,                 order = [2 1];
      end
      return;
    end
  end
  error('parity:inputs', 'the network has no layer %s', name);
end
