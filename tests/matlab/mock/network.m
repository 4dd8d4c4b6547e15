classdef network
  % Stand-in for a shallow network.
  properties
    layers = {};
  end
end
