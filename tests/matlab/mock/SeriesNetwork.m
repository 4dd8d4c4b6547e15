classdef SeriesNetwork
  % Stand-in for MATLAB's class of this name; one of a release before InputNames and OutputNames.
  properties
    Layers
  end
  methods
    function net = SeriesNetwork(layers)
      net.Layers = LayerArray(layers);
    end
    function value = activations(net, varargin)
      value = mock_activations(net, varargin{:});
    end
  end
end
