classdef SequenceFoldingLayer < nnet.cnn.layer.Layer
  methods
    function layer = SequenceFoldingLayer(name)
      layer.Name = name;
    end
    function out = apply(layer, in)
      [h, w, c, n, steps] = size(in{1}.value);
      out = {struct('value', reshape(in{1}.value, h, w, c, n * steps), 'format', 'SSCB')};
    end
  end
end
