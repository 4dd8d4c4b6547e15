classdef dlarray
  % Stand-in for MATLAB's class of this name.
  properties (Access = private)
    Data
    Labels = '';
  end
  methods
    function array = dlarray(data, labels)
      array.Data = data;
      if nargin > 1
        array.Labels = labels;
      end
    end
    function data = extractdata(array)
      data = array.Data;
    end
    function labels = dims(array)
      labels = array.Labels;
    end
  end
end
