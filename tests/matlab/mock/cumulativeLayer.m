classdef cumulativeLayer < nnet.cnn.layer.Layer
  % A layer as a user writes one: sums over the steps; all of them, or the last one.
  properties
    OutputMode = 'sequence';
    Gain = 1;
    Function = @(x) x + 1;
    Table
    Labels
    Alias
    Initializer
    Mixed
    Learnable
    OnDevice
    Steps = int32([1 2; 3 4]);
    Names = {'a'; 'bc'};
    Flag = true;
    Empty = [];
  end
  properties (Dependent)
    Broken
  end
  properties (Access = private)
    Secret = 42;
  end
  methods
    function layer = cumulativeLayer(name, mode)
      layer.Name = name;
      layer.OutputMode = mode;
      layer.Table = table({'a'}, {'b'});
      layer.Labels = string({'one', 'two'});
      layer.Alias = string('alias');
      layer.Initializer = LayerGraph({}, [], {}, {});
      layer.Mixed = struct('inner', {{1, @sin, string('deep'), table({}, {})}}, 'gone', table({}, {}));
      layer.Learnable = dlarray(gpuArray(single([1; 2; 3])), 'CB');
      layer.OnDevice = gpuArray([1.5 2.5]);
    end
    function value = get.Broken(layer)
      error('it cannot be computed');
    end
    function out = apply(layer, in)
      axis = numel(in{1}.format);
      out = in(1);
      out{1}.value = layer.Gain * cumsum(in{1}.value, axis);
      if strcmp(layer.OutputMode, 'last')
        index = [repmat({':'}, 1, axis - 1), {size(in{1}.value, axis)}];
        out{1} = struct('value', out{1}.value(index{:}), 'format', in{1}.format(1:end - 1));
      end
    end
  end
end
