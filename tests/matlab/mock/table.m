classdef table
  % Stand-in for the table of connections.
  properties
    Source
    Destination
  end
  methods
    function value = table(source, destination)
      value.Source = source;
      value.Destination = destination;
    end
  end
end
