classdef ReLULayer < nnet.cnn.layer.Layer
  properties

  end
  methods
    function layer = ReLULayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);
      out{1}.value = max(in{1}.value, 0);
    end
  end
end
