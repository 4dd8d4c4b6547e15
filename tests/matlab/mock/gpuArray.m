classdef gpuArray
  % Stand-in for MATLAB's class of this name.
  properties (Access = private)
    Data
  end
  methods
    function array = gpuArray(data)
      array.Data = data;
    end
    function data = gather(array)
      data = array.Data;
    end
  end
end
