function value = mock_activations(net, varargin)
  % activations of MATLAB's SeriesNetwork and DAGNetwork, with its layouts.
  at = find(cellfun(@ischar, varargin), 1);
  name = varargin{at};
  options = struct(varargin{at + 1:end});
  assert(strcmp(options.ExecutionEnvironment, 'cpu'));
  assert(~isa(net, 'SeriesNetwork') || isfield(options, 'OutputAs'));
  inputs = cell(1, at - 1);
  for k = 1:numel(inputs)
    x = varargin{k};
    if iscell(x)
      step = ndims(x{1}); % C x T or H x W x C x T
      format = {'CBT', '', 'SSCBT'}{step - 1};
      x = permute(cat(step + 1, x{:}), [1:step - 1, step + 1, step]);
    elseif isa(net.Layers(1), 'nnet.cnn.layer.FeatureInputLayer')
      assert(strcmp(options.OutputAs, 'columns'));
      x = x';
      format = 'CB';
    else
      format = 'SSCB';
    end
    assert(isa(x, 'single'));
    inputs{k} = struct('value', x, 'format', format);
  end
  item = mock_forward(net, inputs)(name);
  value = item.value;
  if any(item.format == 'T')
    batch = find(item.format == 'B');
    value = permute(value, [1:batch - 1, batch + 1, batch]);
    others = repmat({':'}, 1, numel(item.format) - 1);
    value = arrayfun(@(n) value(others{:}, n), (1:size(value, numel(item.format)))', 'UniformOutput', false);
    if numel(value) == 1 && strcmp(net.Layers(1).Name, 'bare')
      value = value{1}; % a single sequence without its cell
    end
  end
end
