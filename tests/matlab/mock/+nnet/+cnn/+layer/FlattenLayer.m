classdef FlattenLayer < nnet.cnn.layer.Layer
  properties

  end
  methods
    function layer = FlattenLayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);
      n = size(in{1}.value, 4);
      out{1} = struct('value', reshape(in{1}.value, [], n), 'format', 'CB');
    end
  end
end
