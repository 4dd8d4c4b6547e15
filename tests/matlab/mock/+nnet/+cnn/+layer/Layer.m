classdef Layer
  % Stand-in for the class of MATLAB's layers. apply takes and gives a cell of structs {value, format}, one for each port.
  properties
    Name = '';
    NumInputs = 1;
    NumOutputs = 1;
    OutputNames = {'out'};
  end
end
