classdef SequenceInputLayer < nnet.cnn.layer.Layer
  properties
    InputSize = 3;
    MinLength = 1;
  end
  methods
    function layer = SequenceInputLayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);

    end
  end
end
