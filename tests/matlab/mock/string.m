classdef string
  % Stand-in for MATLAB's class of this name.
  properties (Access = private)
    Text
  end
  methods
    function value = string(text)
      if ischar(text)
        text = {text};
      end
      value.Text = text;
    end
    function count = numel(value, varargin)
      count = builtin('numel', value.Text);
    end
    function text = char(value)
      text = char(value.Text);
    end
    function list = cellstr(value)
      list = value.Text;
    end
  end
end
