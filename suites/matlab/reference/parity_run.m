function parity_run(model, inputs, outputs)
  % Run a plain-struct export: parity_run('model.mat', 'inputs.mat', 'outputs.mat').
  %
  % inputs.mat holds the cell `values`, one array per input layer in MATLAB's own layout: H x W x C x N (SSCB),
  % H x W x D x C x N (SSSCB), C x N x T (CBT) or C x N (CB). outputs.mat gets the cells `values` and `formats`, one
  % element per output of the network. All arithmetic is in double precision.
  net = load(model).parity;
  given = load(inputs).values;
  made = struct();                          % tensors by name: value and format
  for k = 1:numel(net.layers)
    layer = net.layers{k};
    kind = regexprep(layer.class, '^.*\.', '');
    p = layer.properties;
    if isempty(p), p = struct(); end
    if any(strcmp(kind, {'ImageInputLayer', 'Image3DInputLayer', 'SequenceInputLayer', 'FeatureInputLayer'})) ...
        || (isempty(wires(net, layer.name)) && any(strcmp(layer.name, net.inputs)))
      place = find(strcmp(layer.name, net.inputs));
      taken = {struct('value', double(given{place}), 'format', format_of(kind, p))};
    else
      taken = cellfun(@(name) made.(key(name)), wires(net, layer.name), 'UniformOutput', false);
    end
    results = reference_layer(kind, p, taken);
    ports = {'', '/indices', '/size'};
    for j = 1:numel(results)
      made.(key([layer.name ports{j}])) = results{j};
    end
  end
  values = cell(numel(net.outputs), 1);
  formats = cell(numel(net.outputs), 1);
  for k = 1:numel(net.outputs)
    tensor = made.(key(net.outputs{k}));
    values{k} = single(tensor.value);
    formats{k} = tensor.format;
  end
  save('-v7', [outputs '.part'], 'values', 'formats');
  rename([outputs '.part'], outputs);
end

function names = wires(net, name)
  % Sources of a layer's inputs, in the order of its ports.
  names = {};
  places = [];
  for k = 1:numel(net.connections.destination)
    to = net.connections.destination{k};
    if strcmp(to, name)
      port = '';
    elseif strncmp(to, [name '/'], numel(name) + 1)
      port = to(numel(name) + 2:end);
    else
      continue;
    end
    named = find(strcmp(port, {'', 'in', 'indices', 'size', 'ref'}));
    if isempty(named)
      place = str2double(port(3:end));
    else
      place = [1 1 2 3 2](named);
    end
    names{end + 1} = net.connections.source{k};
    places(end + 1) = place;
  end
  [~, order] = sort(places);
  names = names(order);
end

function text = key(name)
  % A field name for any layer name.
  text = ['t' sprintf('%02x', double(name))];
end

function text = format_of(kind, p)
  switch kind
    case 'ImageInputLayer',    text = 'SSCB';
    case 'Image3DInputLayer',  text = 'SSSCB';
    case 'SequenceInputLayer', text = 'CBT';
    otherwise,                 text = 'CB';
  end
end
