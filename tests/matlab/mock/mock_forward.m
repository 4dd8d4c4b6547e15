function found = mock_forward(net, inputs)
  % All activations of a network, a map from a layer's name (name/port where it has several outputs) to a struct
  % {value, format}. The layers are in topological order.
  layers = net.Layers;
  found = containers.Map();
  for k = 1:numel(layers)
    layer = layers(k);
    if ~isempty(regexp(class(layer), 'InputLayer$'))
      in = inputs(1);
      inputs(1) = [];
    elseif isa(net, 'SeriesNetwork')
      in = {found(layers(k - 1).Name)};
    else
      links = net.Connections;
      at = find(~cellfun(@isempty, regexp(links.Destination, ['^' layer.Name '(/.*)?$'])));
      [~, order] = sort(links.Destination(at)); % by port, not by row
      in = cellfun(@(name) found(name), links.Source(at(order))', 'UniformOutput', false);
    end
    if ~isempty(regexp(class(layer), 'OutputLayer$'))
      continue;
    end
    out = apply(layer, in);
    if numel(out) == 1
      found(layer.Name) = out{1};
    else
      for n = 1:numel(out)
        found([layer.Name '/' layer.OutputNames{n}]) = out{n};
      end
    end
  end
end
