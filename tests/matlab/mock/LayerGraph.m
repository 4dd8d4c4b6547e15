classdef LayerGraph
  % Stand-in for MATLAB's class of this name.
  properties
    Layers
    Connections
    InputNames
    OutputNames

  end
  methods
    function net = LayerGraph(layers, connections, inputs, outputs)
      net.Layers = LayerArray(layers);
      net.Connections = connections;
      net.InputNames = inputs;
      net.OutputNames = outputs;
    end

  end
end
