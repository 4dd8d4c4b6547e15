classdef LayerArray < nnet.cnn.layer.Layer
  % Stand-in for an array of layers: Octave cannot concatenate objects of different classes.
  properties
    All = {};
  end
  methods
    function array = LayerArray(layers)
      array.All = layers;
    end
    function count = numel(array, varargin)
      count = numel(array.All);
    end
    function varargout = subsref(array, steps)
      if strcmp(steps(1).type, '()')
        varargout{1} = array.All{steps(1).subs{1}};
        if numel(steps) > 1
          varargout{1} = subsref(varargout{1}, steps(2:end));
        end
      else
        varargout{1} = builtin('subsref', array, steps);
      end
    end
  end
end
