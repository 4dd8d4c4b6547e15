classdef DAGNetwork
  % Stand-in for MATLAB's class of this name.
  properties
    Layers
    Connections
    InputNames
    OutputNames

  end
  methods
    function net = DAGNetwork(layers, connections, inputs, outputs)
      net.Layers = LayerArray(layers);
      net.Connections = connections;
      net.InputNames = inputs;
      net.OutputNames = outputs;
    end
    function value = activations(net, varargin)
      value = mock_activations(net, varargin{:});
    end
  end
end
