classdef MaxPooling2DLayer < nnet.cnn.layer.Layer
  properties
    PoolSize = [2 2];
    HasUnpoolingOutputs = true;
  end
  methods
    function layer = MaxPooling2DLayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);
      % over the whole image
      x = in{1}.value;
      [h, w, c, n] = size(x);
      [y, index] = max(reshape(x, h * w, 1, c, n), [], 1);
      size_ = struct('value', [h w c n], 'format', '');
      out = {struct('value', y, 'format', in{1}.format), struct('value', int32(index), 'format', in{1}.format), size_};
    end
  end
end
