classdef AdditionLayer < nnet.cnn.layer.Layer
  properties

  end
  methods
    function layer = AdditionLayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);
      out{1}.value = in{1}.value;
      for k = 2:numel(in)
        out{1}.value = out{1}.value + in{k}.value;
      end
    end
  end
end
