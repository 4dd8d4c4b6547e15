classdef Convolution2DLayer < nnet.cnn.layer.Layer
  properties
    FilterSize = [2 2];
    NumChannels = 2;
    NumFilters = 3;
    Stride = [1 1];
    PaddingMode = 'manual';
    PaddingSize = [0 0 0 0];
    Weights = [];
    Bias = [];
    WeightsInitializer = 'glorot';
  end
  methods
    function layer = Convolution2DLayer(name, varargin)
      layer.Name = name;
      for k = 1:2:numel(varargin)
        layer.(varargin{k}) = varargin{k + 1};
      end
    end
    function out = apply(layer, in)
      out = in(1);
      % without padding, stride 1
      x = in{1}.value;
      [h, w, ~, n] = size(x);
      [kh, kw, ~, f] = size(layer.Weights);
      y = zeros(h - kh + 1, w - kw + 1, f, n, 'single');
      for i = 1:size(y, 1)
        for j = 1:size(y, 2)
          part = reshape(x(i:i + kh - 1, j:j + kw - 1, :, :), [], n);
          y(i, j, :, :) = reshape(reshape(layer.Weights, [], f)' * part + layer.Bias(:), 1, 1, f, n);
        end
      end
      out{1}.value = y;
    end
  end
end
