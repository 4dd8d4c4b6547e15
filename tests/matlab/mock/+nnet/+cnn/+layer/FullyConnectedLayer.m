classdef FullyConnectedLayer < nnet.cnn.layer.Layer
  properties
    InputSize = 'auto';
    OutputSize = 2;
    Weights = [];
    Bias = [];
  end
  methods
    function layer = FullyConnectedLayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);
      x = in{1}.value;
      if any(in{1}.format == 'S')
        n = size(x, 4);
        y = layer.Weights * reshape(x, [], n) + layer.Bias;
        out{1}.value = reshape(y, 1, 1, [], n);
      else
        out{1}.value = layer.Weights * x + layer.Bias;
      end
    end
  end
end
