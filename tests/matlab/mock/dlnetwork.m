classdef dlnetwork
  % Stand-in for MATLAB's class of this name.
  properties
    Layers
    Connections
    InputNames
    OutputNames
    Initialized = true;
    Learnables
  end
  methods
    function net = dlnetwork(layers, connections, inputs, outputs)
      net.Layers = LayerArray(layers);
      net.Connections = connections;
      net.InputNames = inputs;
      net.OutputNames = outputs;
    end
    function varargout = predict(net, varargin)
      at = find(cellfun(@ischar, varargin), 1);
      assert(strcmp(varargin{at}, 'Outputs') && numel(varargin) == at + 1);
      inputs = cellfun(@(x) struct('value', extractdata(x), 'format', dims(x)), varargin(1:at - 1), ...
        'UniformOutput', false);
      found = mock_forward(net, inputs);
      for k = 1:numel(varargin{end})
        item = found(varargin{end}{k});
        varargout{k} = dlarray(gpuArray(item.value), item.format);
      end
    end
  end
end
