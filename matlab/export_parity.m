function export_parity(net, file, varargin)
%EXPORT_PARITY Write a network and its activations to a MAT-file of plain values.
%   EXPORT_PARITY(NET, FILE) writes the layers of NET with all their public properties, learnables included, and
%   its connections to FILE, as one variable "parity" without objects: any MAT-file reader opens it.
%   NET is a SeriesNetwork, DAGNetwork, dlnetwork, LayerGraph or an array of layers.
%
%   EXPORT_PARITY(NET, FILE, SAMPLE1, SAMPLE2, ...) also computes what every layer gives for each sample, and writes
%   both. NET must be a SeriesNetwork, a DAGNetwork or an initialized dlnetwork. A sample is one of
%     - an array, for a network with one image input: H x W x C x N, or H x W x D x C x N for 3-D images;
%     - a dlarray with a format, e.g. dlarray(X, 'CBT');
%     - a cell array of those, one for each input, in the order of NET.InputNames;
%     - a struct with the fields "inputs", a cell array of plain arrays, and "formats", their formats ('SSCB',
%       'CB', 'CBT', ...) in a cell array. Write struct('inputs', {{X}}, 'formats', {{'CB'}}).
%   The letters of a format are in the order S (space), C (channel), B (batch), T (time). Inputs are fed and written
%   as single. Activations are those of inference: of "activations" with ExecutionEnvironment 'cpu' for a
%   SeriesNetwork or DAGNetwork, of "predict" for a dlnetwork, in the state the network is in (see resetState).
%
%   Example: a network of images, and its activations for one of them
%     x = imresize(imread('peppers.png'), net.Layers(1).InputSize(1:2));
%     export_parity(net, 'net.mat', x)
%
%   Example: a classifier of sequences with 12 channels, three sequences of 20 steps
%     export_parity(net, 'net.mat', struct('inputs', {{rand(12, 3, 20)}}, 'formats', {{'CBT'}}))
%
%   Layers without a name are named layer_1, layer_2, ... by their place. Layers for output (of a SeriesNetwork or
%   DAGNetwork) compute nothing and get no activations: take those of the layer before. In properties, text of type
%   string becomes char, a function handle its text, another object the name of its class; tables are left out. A
%   property that cannot be read is left out with a warning. FILE is replaced only when all has been computed and
%   written. The format is described in docs/matlab-export.md. It is limited to 2 GB, uncompressed.
%
%   Errors: parity:usage, parity:network, parity:names, parity:file, parity:sample, parity:format,
%   parity:activations, parity:size.

%   This file is tested in GNU Octave with stand-ins for the classes of Deep Learning Toolbox. It rests on these
%   assumptions about MATLAB, which no such test can prove:
%     1. properties(LAYER) lists the public properties of a layer, Name, NumOutputs and OutputNames among them.
%     2. Every layer, custom ones included, and every array of layers isa 'nnet.cnn.layer.Layer'.
%     3. Connections.Source and Connections.Destination of a table are cellstr or string columns.
%     4. activations(NET, X1, ..., Xk, NAME, 'ExecutionEnvironment', 'cpu') takes images as H x W x C x N, features as
%        N x C and sequences as an N x 1 cell array of C x T or H x W x C x T; NAME may be an input layer's, and
%        'layer/output' for a layer with several outputs.
%     5. It returns images as H x W x C x N (flattened ones as C x N), sequences as an N x 1 cell array (or, of a
%        single one, C x T), what is left of a sequence without its steps as C x N or H x W x C x N, and features with 'OutputAs', 'columns' as C x N. A
%        SeriesNetwork takes 'OutputAs', 'channels' (its default in later releases) for images and sequences.
%     6. predict(NET, X1, ..., Xk, 'Outputs', NAMES) of a dlnetwork takes a cellstr of names as in 4 and returns one
%        dlarray for each; dims, extractdata and gather do what their documentation says.
%     7. char and cellstr convert a string scalar and a string array.
%     8. save -v7 leaves a variable of 2 GB and more out with a mere warning; whos('-file', ...) shows that.
%     9. movefile within a folder replaces a file at once.
%     10. Between a sequence folding and an unfolding layer, "activations" returns H x W x C x (N T).
%   Two lines are not run by the tests: program = 'MATLAB' in source_of, and fieldnames in public_properties.

if nargin < 2
    error('parity:usage', 'usage: export_parity(net, ''file.mat'', sample1, sample2, ...)');
end
file = checked_file(file);
[layers, connections, kind] = parts_of(net);
names = names_of(layers);
if isempty(connections)
    connections = struct('source', {names(1:end - 1)}, 'destination', {names(2:end)});
end
inputs = ends_of(net, 'InputNames', names, connections.destination);
outputs = ends_of(net, 'OutputNames', names, connections.source);
if ~isempty(varargin) && strcmp(kind, 'graph')
    error('parity:network', ['a %s computes no activations: assemble it first (assembleNetwork, dlnetwork), ' ...
        'or export it without samples'], class(net));
end
if ~isempty(varargin) && strcmp(kind, 'dlnetwork') && has(net, 'Initialized') && ~net.Initialized
    error('parity:network', 'the dlnetwork is not initialized: call initialize(net), or export it without samples');
end

parity = struct();
parity.format = 'parity';
parity.version = 1;
parity.source = source_of(net);
parity.layers = cell(numel(names), 1);
for k = 1:numel(names)
    layer = layers(k);
    parity.layers{k} = struct('class', class(layer), 'name', names{k}, 'properties', properties_of(layer, names{k}));
end
parity.connections = connections;
parity.inputs = inputs;
parity.outputs = outputs;
parity.samples = cell(1, numel(varargin));
if ~isempty(varargin)
    asked = asked_of(layers, names, outputs, kind);
end
for k = 1:numel(varargin)
    [values, formats] = checked_sample(varargin{k}, k, inputs, layers, names);
    try
        if strcmp(kind, 'dlnetwork')
            found = predicted(net, values, formats, asked);
        else
            found = activated(net, values, formats, asked);
        end
    catch problem
        error(own(problem), 'sample %d: %s', k, problem.message);
    end
    parity.samples{k} = struct('inputs', {values}, 'formats', {formats}, 'activations', {found});
end
write(file, parity);
end

function file = checked_file(file)
% The file's name as char, with an extension; it must be in a folder that exists, and be none itself.
if isa(file, 'string') && numel(file) == 1
    file = char(file);
end
if ~ischar(file) || size(file, 1) ~= 1
    error('parity:usage', 'the second argument must be the name of the file to write, not a %s', class(file));
end
[folder, ~, extension] = fileparts(file);
if isempty(extension)
    file = [file '.mat'];
end
if ~isempty(folder) && exist(folder, 'dir') ~= 7
    error('parity:file', '%s cannot be written: there is no folder %s', file, folder);
end
if exist(file, 'dir') == 7
    error('parity:file', '%s cannot be written: it is a folder', file);
end
end

function [layers, connections, kind] = parts_of(net)
% Layers and connections; these are [] where the layers are a chain. "kind" is 'dlnetwork', 'network' (that has
% "activations") or 'graph' (that computes nothing).
connections = [];
kind = 'graph';
if isa(net, 'nnet.cnn.layer.Layer')
    layers = net;
elseif isa(net, 'network')
    error('parity:network', ['a shallow network (class network) has no layers of Deep Learning Toolbox; ' ...
        'save it with save(..., ''-v7'') instead']);
elseif isobject(net) && has(net, 'Layers')
    layers = net.Layers;
    if has(net, 'Connections')
        connections = struct('source', {texts(net.Connections.Source)}, ...
            'destination', {texts(net.Connections.Destination)});
    end
    if isa(net, 'dlnetwork')
        kind = 'dlnetwork';
    elseif isa(net, 'SeriesNetwork') || isa(net, 'DAGNetwork')
        kind = 'network';
    end
else
    error('parity:network', ['expected a SeriesNetwork, DAGNetwork, dlnetwork, LayerGraph or an array of layers, ' ...
        'not a %s; of a detector, give its property Network'], class(net));
end
if numel(layers) == 0
    error('parity:network', 'the %s has no layers', class(net));
end
end

function names = names_of(layers)
% The layers' names, n x 1; those without get one by their place. All must differ.
names = cell(numel(layers), 1);
for k = 1:numel(names)
    layer = layers(k);
    names{k} = char(layer.Name);
    if isempty(names{k})
        names{k} = sprintf('layer_%d', k);
    end
end
[~, first] = unique(names, 'first');
repeated = setdiff(1:numel(names), first);
if ~isempty(repeated)
    error('parity:names', 'several layers are named %s; give each a name of its own', names{repeated(1)});
end
end

function list = ends_of(net, property, names, connected)
% Names of inputs or outputs, k x 1: what the network says, or else the layers that are not connected on that side.
list = {};
if ~isa(net, 'nnet.cnn.layer.Layer') && has(net, property)
    list = texts(net.(property));
end
if isempty(list)
    owners = cell(size(connected));
    for k = 1:numel(connected)
        owners{k} = owner_of(connected{k}, names);
    end
    list = names(~ismember(names, owners));
end
end

function name = owner_of(port, names)
% The layer of a port such as 'add_1/in2'.
name = port;
if ~any(strcmp(name, names))
    name = regexprep(port, '/[^/]*$', '');
end
end

function text = source_of(net)
if exist('OCTAVE_VERSION', 'builtin')
    program = 'Octave';
else
    program = 'MATLAB';
end
text = sprintf('%s, %s %s', class(net), program, version());
end

function kept = properties_of(layer, name)
% All public properties of a layer as plain values.
kept = struct();
listed = public_properties(layer);
for k = 1:numel(listed)
    try
        [value, known] = plain(layer.(listed{k}));
    catch problem
        warning('parity:property', 'property %s of layer %s is left out: %s', listed{k}, name, problem.message);
        known = false;
    end
    if known
        kept.(listed{k}) = value;
    end
end
end

function listed = public_properties(object)
if exist('properties') %#ok<EXIST> a built-in function in one program, a file in another
    listed = properties(object);
else
    listed = fieldnames(object);
end
end

function found = has(object, property)
found = any(strcmp(property, public_properties(object)));
end

function [value, known] = plain(value)
% A value without objects; "known" is false for what is left out.
known = true;
if isa(value, 'gpuArray')
    value = plain(gather(value));
elseif isa(value, 'dlarray')
    value = plain(extractdata(value));
elseif isa(value, 'string')
    if numel(value) == 1
        value = char(value);
    else
        value = cellstr(value);
    end
elseif isa(value, 'function_handle')
    value = func2str(value);
elseif isa(value, 'table') || isa(value, 'timetable')
    known = false;
    value = [];
elseif iscell(value)
    for k = 1:numel(value)
        [item, kept] = plain(value{k});
        if ~kept
            item = class(value{k});
        end
        value{k} = item;
    end
elseif isstruct(value)
    value = plain_struct(value);
elseif ~(isnumeric(value) || islogical(value) || ischar(value))
    value = class(value);
end
end

function value = plain_struct(value)
fields = fieldnames(value);
for n = 1:numel(fields)
    for k = 1:numel(value)
        [item, known] = plain(value(k).(fields{n}));
        if ~known
            value = rmfield(value, fields{n});
            break;
        end
        value(k).(fields{n}) = item;
    end
end
end

function list = texts(value)
% Text as n x 1 cellstr.
if ischar(value) || isa(value, 'string')
    value = cellstr(value);
end
list = reshape(value, [], 1);
if isempty(list)
    list = cell(0, 1);
end
end

function asked = asked_of(layers, names, outputs, kind)
% Names to ask activations of: every layer, or each output of one with several. Not the layers for output.
asked = {};
for k = 1:numel(names)
    layer = layers(k);
    count = 1;
    if has(layer, 'NumOutputs')
        count = layer.NumOutputs;
    end
    if count == 0 || (strcmp(kind, 'network') && any(strcmp(names{k}, outputs)))
        continue;
    elseif count == 1
        asked{end + 1} = names{k}; %#ok<AGROW>
    else
        ports = texts(layer.OutputNames);
        for n = 1:count
            asked{end + 1} = [names{k} '/' ports{n}]; %#ok<AGROW>
        end
    end
end
end

function [values, formats] = checked_sample(sample, number, inputs, layers, names)
% Arrays (single) and formats of a sample, both 1 x k in the order of the inputs.
if isstruct(sample)
    if numel(sample) ~= 1 || ~all(isfield(sample, {'inputs', 'formats'})) || ~iscell(sample.inputs)
        error('parity:sample', ['sample %d: a struct must be a single one with the fields inputs and formats, both ' ...
            'cell arrays: struct(''inputs'', {{X}}, ''formats'', {{''SSCB''}})'], number);
    end
    values = reshape(sample.inputs, 1, []);
    formats = reshape(texts(sample.formats), 1, []);
    if numel(values) ~= numel(formats)
        error('parity:sample', 'sample %d: %d inputs and %d formats', number, numel(values), numel(formats));
    end
else
    if iscell(sample)
        values = reshape(sample, 1, []);
    else
        values = {sample};
    end
    formats = repmat({''}, size(values));
end
if numel(values) ~= numel(inputs)
    error('parity:sample', 'sample %d: %d inputs; the network has %d: %s', number, numel(values), numel(inputs), ...
        strjoin(reshape(inputs, 1, []), ', '));
end
for k = 1:numel(values)
    if isa(values{k}, 'dlarray')
        if isempty(formats{k})
            formats{k} = dims(values{k});
        end
        values{k} = extractdata(values{k});
    end
    if isa(values{k}, 'gpuArray')
        values{k} = gather(values{k});
    end
    if ~(isnumeric(values{k}) || islogical(values{k})) || isempty(values{k})
        error('parity:sample', 'sample %d, input %s: expected an array of numbers, not a %s of size %s', number, ...
            inputs{k}, class(values{k}), mat2str(size(values{k})));
    end
    if isempty(formats{k})
        formats{k} = image_format(layers, names, inputs{k}, number);
    end
    if isempty(regexp(formats{k}, '^S*C?B?T?U*$', 'once'))
        error('parity:format', ['sample %d, input %s: a format has the letters S, C, B, T, U in this order ' ...
            '(''SSCB'', ''CB'', ''CBT''), not ''%s'''], number, inputs{k}, formats{k});
    end
    if rank_of(values{k}) > numel(formats{k})
        error('parity:format', 'sample %d, input %s: an array of size %s does not fit the format ''%s''', number, ...
            inputs{k}, mat2str(size(values{k})), formats{k});
    end
    values{k} = single(full(values{k}));
end
end

function count = rank_of(value)
% Dimensions, where a column has one.
count = ndims(value);
if count == 2 && size(value, 2) == 1
    count = 1;
end
end

function format = image_format(layers, names, input, number)
% The format of an array given without one: images only, because MATLAB itself takes features and sequences in
% different layouts here and there.
layer = layers(find(strcmp(owner_of(input, names), names), 1));
switch class(layer)
    case 'nnet.cnn.layer.ImageInputLayer'
        format = 'SSCB';
    case 'nnet.cnn.layer.Image3DInputLayer'
        format = 'SSSCB';
    otherwise
        error('parity:format', ['sample %d, input %s (%s): its array needs a format; give dlarray(X, ''CBT'') or ' ...
            'struct(''inputs'', {{X}}, ''formats'', {{''CBT''}}), with CB for features, CBT for sequences'], ...
            number, input, class(layer));
end
end

function found = predicted(net, values, formats, asked)
% Activations of a dlnetwork.
arrays = cell(size(values));
for k = 1:numel(values)
    arrays{k} = dlarray(values{k}, formats{k});
end
results = cell(1, numel(asked));
[results{:}] = predict(net, arrays{:}, 'Outputs', asked);
found = cell(numel(asked), 1);
for k = 1:numel(asked)
    found{k} = entry(asked{k}, extractdata(results{k}), dims(results{k}));
end
end

function found = activated(net, values, formats, asked)
% Activations of a SeriesNetwork or DAGNetwork.
options = {'ExecutionEnvironment', 'cpu'};
if all(strcmp(formats, 'CB') | strcmp(formats, 'C'))
    options = [options {'OutputAs', 'columns'}];
elseif isa(net, 'SeriesNetwork')
    options = [options {'OutputAs', 'channels'}];
end
data = cell(size(values));
for k = 1:numel(values)
    data{k} = as_data(values{k}, formats{k});
end
found = cell(numel(asked), 1);
for k = 1:numel(asked)
    try
        value = activations(net, data{:}, asked{k}, options{:});
        [value, format] = as_dlarray(value, values{1}, formats{1});
    catch problem
        error(own(problem), 'layer %s: %s', asked{k}, problem.message);
    end
    found{k} = entry(asked{k}, value, format);
end
end

function item = entry(name, value, format)
if isa(value, 'gpuArray')
    value = gather(value);
end
if ~isfloat(value)
    value = double(value);
end
item = struct('layer', name, 'value', value, 'format', format);
end

function data = as_data(value, format)
% An array in the layout of dlarray, in the one that "activations" takes.
if isempty(regexp(format, '^(S*CB?T|S+CB?|CB?)$', 'once'))
    error('parity:format', 'a SeriesNetwork or DAGNetwork takes no input of format ''%s''', format);
end
if any(format == 'T')
    batch = find(format == 'B');
    count = size(value, numel(format) + 1);
    if ~isempty(batch)
        count = size(value, batch);
    end
    kept = arrayfun(@(k) size(value, k), find(format ~= 'B'));
    data = cell(count, 1);
    for k = 1:count
        index = repmat({':'}, 1, numel(format));
        if ~isempty(batch)
            index{batch} = k;
        end
        data{k} = reshape(value(index{:}), kept);
    end
elseif any(format == 'S')
    data = value;
else
    data = value.';
end
end

function [value, format] = as_dlarray(value, input, given)
% What "activations" returned, in the layout of dlarray, with its format. "given" is the format of the input.
space = repmat('S', 1, sum(given == 'S'));
rank = numel(space) + 2; % the place of B in S...SCB
count = 1;
if any(given == 'B')
    count = size(input, find(given == 'B'));
end
if iscell(value)
    format = 'CT';
    if ~isempty(space) && ndims(value{1}) > 2
        format = [space 'CT'];
    end
    last = numel(format);
    value = permute(cat(last + 1, value{:}), [1:last - 1, last + 1, last]);
    format = [format(1:end - 1) 'BT'];
elseif any(given == 'T') && ndims(value) == 2 && size(value, 2) == count
    format = 'CB';
elseif any(given == 'T') && ndims(value) == 2 && count == 1
    value = permute(value, [1 3 2]);
    format = 'CBT';
elseif isempty(space) && ndims(value) == 2 && size(value, 2) == count
    format = 'CB';
elseif ~isempty(space) && ndims(value) == 2 && size(value, 2) == count && (count > 1 || size(input, 2) > 1) ...
        && size(value, 1) > 1
    format = 'CB'; % a column for each image: images have at least three dimensions, or one column of space
elseif ~isempty(space) && size(value, rank) == count
    format = [space 'CB'];
elseif ~isempty(space) && any(given == 'T') && mod(size(value, rank), count) == 0
    format = [space 'CB']; % between a folding and an unfolding layer: every step is an observation
else
    error('parity:activations', 'an array of size %s for %d observations in the format %s is not understood', ...
        mat2str(size(value)), count, given);
end
end

function write(file, parity) %#ok<INUSD> "parity" is saved
% Save beside the file and rename, so that an error leaves what was there.
info = whos('parity');
if info.bytes >= 2^31
    error('parity:size', ['%s cannot be written: %.1f GB, and a MAT-file of version 7 holds 2 GB in a variable; ' ...
        'give fewer or smaller samples'], file, info.bytes / 2^30);
end
folder = fileparts(file);
if isempty(folder)
    folder = pwd();
end
temporary = [tempname(folder) '.mat'];
try
    save(temporary, 'parity', '-v7');
    saved = whos('-file', temporary);
    if ~any(strcmp('parity', {saved.name}))
        error('parity:file', 'save left the variable out');
    end
    [moved, reason] = movefile(temporary, file, 'f');
    if ~moved
        error('parity:file', '%s', reason);
    end
catch problem
    if exist(temporary, 'file')
        delete(temporary);
    end
    error('parity:file', '%s cannot be written: %s', file, problem.message);
end
end

function identifier = own(problem)
% Its identifier if the error is one of ours, else that of a failed computation.
identifier = 'parity:activations';
if strncmp(problem.identifier, 'parity:', 7)
    identifier = problem.identifier;
end
end
