function [values, formats] = forward(net, arrays)
  % Run a network of the plain-struct export: the struct `parity` of the file, and a cell with one array per input in
  % MATLAB's own layout: H x W x C x N (SSCB), H x W x D x C x N (SSSCB), C x N x T (CBT) or C x N (CB).
  %
  % Gives a cell of arrays and one of their formats, an element per output. All arithmetic is in double precision. Like
  % the layers, it is written in what MATLAB and Octave have in common: `parity convert --to mat` copies it.
  tensors = containers.Map();               % by the names of layers and ports
  for k = 1:numel(net.layers)
    layer = net.layers{k};
    p = layer.properties;
    if isempty(p), p = struct(); end
    sources = sources_of(net, layer.name, option(p, 'InputNames', {}));
    place = find(strcmp(layer.name, net.inputs));
    if isempty(sources) && ~isempty(place)
      x = {tensor(double(arrays{place}), 'CB')};
    else
      x = cellfun(@(name) tensors(name), sources, 'UniformOutput', false);
    end
    ports = option(p, 'OutputNames', {'out'});
    results = cell(1, numel(ports));
    [results{:}] = reference_layer(regexprep(layer.class, '^.*\.', ''), p, x{:});
    tensors(layer.name) = results{1};
    for j = 2:numel(ports)
      tensors([layer.name '/' ports{j}]) = results{j};
    end
  end
  values = cell(numel(net.outputs), 1);
  formats = cell(numel(net.outputs), 1);
  for k = 1:numel(net.outputs)
    t = tensors(net.outputs{k});
    values{k} = single(t.value);
    formats{k} = t.format;
  end
end

function names = sources_of(net, name, ports)
  % What a layer reads, in the order of its ports: the ports of InputNames, or in1, in2 and so on.
  names = {};
  places = [];
  for k = 1:numel(net.connections.destination)
    to = net.connections.destination{k};
    if strcmp(to, name)
      place = 1;
    elseif strncmp(to, [name '/'], numel(name) + 1)
      port = to(numel(name) + 2:end);
      place = find(strcmp(port, ports));
      if isempty(place), place = str2double(port(3:end)); end
    else
      continue;
    end
    names{end + 1} = net.connections.source{k};
    places(end + 1) = place;
  end
  [~, order] = sort(places);
  names = names(order);
end
