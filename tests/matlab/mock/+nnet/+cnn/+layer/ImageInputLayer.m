classdef ImageInputLayer < nnet.cnn.layer.Layer
  properties
    InputSize = [4 5 2];
    Normalization = 'zerocenter';
    Mean = [];
    SplitComplexInputs = false;
  end
  methods
    function layer = ImageInputLayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);
      out{1}.value = in{1}.value - layer.Mean;
    end
  end
end
