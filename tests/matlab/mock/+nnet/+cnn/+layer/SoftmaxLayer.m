classdef SoftmaxLayer < nnet.cnn.layer.Layer
  properties

  end
  methods
    function layer = SoftmaxLayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);
      axis = find(in{1}.format == 'C');
      e = exp(in{1}.value - max(in{1}.value, [], axis));
      out{1}.value = e ./ sum(e, axis);
    end
  end
end
