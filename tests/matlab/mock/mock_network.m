function net = mock_network(name)
  % Networks by name. Arrays hold 1, 2, 3, ... in MATLAB's order, scaled.
  make = @(kind, varargin) feval(['nnet.cnn.layer.' kind], varargin{:});
  image = make('ImageInputLayer', 'in', 'Mean', counted(1, 1, 2));
  conv = make('Convolution2DLayer', 'conv_1', 'Weights', counted(2, 2, 2, 3), 'Bias', counted(1, 1, 3));
  relu = make('ReLULayer', 'relu');
  fc = make('FullyConnectedLayer', 'fc', 'Weights', counted(2, 36), 'Bias', counted(2, 1));
  softmax = make('SoftmaxLayer', 'soft max');
  last = make('ClassificationOutputLayer', 'class', 'NumOutputs', 0, 'OutputNames', {});
  add = make('AdditionLayer', 'block/add', 'NumInputs', 2);
  pool = make('MaxPooling2DLayer', 'pool', 'NumOutputs', 3, 'OutputNames', {'out', 'indices', 'size'});
  sequence = make('SequenceInputLayer', 'seq');
  column = make('FullyConnectedLayer', 'fc', 'Weights', counted(2, 3), 'Bias', counted(2, 1));
  links = table({'in'; 'conv_1'; 'conv_1'; 'relu'; 'block/add'}, ...
                {'conv_1'; 'relu'; 'block/add/in2'; 'block/add/in1'; 'pool'});
  switch name
    case 'series'
      net = SeriesNetwork({image, conv, relu, fc, softmax, last});
    case 'flatten'
      flat = make('FlattenLayer', 'flat');
      net = SeriesNetwork({image, flat, last});
    case 'dag'
      output = table([links.Source(1:end - 1); {'block/add'}], [links.Destination(1:end - 1); {'class'}]);
      last.NumOutputs = 1; % as layers of older releases, that do not say
      net = DAGNetwork({image, conv, relu, add, last}, output, {'in'}, {'class'});
    case 'two inputs'
      other = make('ImageInputLayer', 'other', 'Mean', single(1));
      both = table({'in'; 'other'; 'block/add'}, {'block/add/in1'; 'block/add/in2'; 'class'});
      net = DAGNetwork({image, other, add, last}, both, {'in', 'other'}, {'class'});
    case 'dlnetwork'
      net = dlnetwork({image, conv, relu, add, pool}, links, {'in'}, {'pool/out', 'pool/indices', 'pool/size'});
      net.Learnables = table({}, {});
    case 'uninitialized'
      net = mock_network('dlnetwork');
      net.Initialized = false;
    case 'graph'
      net = LayerGraph({image, conv, relu, add, pool}, links, {}, {});
    case 'strings'
      links = table(string(links.Source), string(links.Destination));
      net = LayerGraph({image, conv, relu, add, pool}, links, string({'in'}), {});
    case 'array'
      relu.Name = '';
      net = LayerArray({image, conv, relu});
    case 'single layer'
      net = relu;
    case 'empty'
      net = LayerArray({});
    case 'twins'
      net = LayerArray({relu, conv, relu});
    case 'features'
      net = SeriesNetwork({make('FeatureInputLayer', 'in'), column, last});
    case 'sequence'
      net = SeriesNetwork({sequence, cumulativeLayer('sum', 'sequence'), cumulativeLayer('end', 'last'), column, last});
    case 'bare'
      sequence.Name = 'bare';
      net = SeriesNetwork({sequence, cumulativeLayer('sum', 'sequence'), last});
    case 'video'
      net = SeriesNetwork({sequence, cumulativeLayer('sum', 'sequence'), cumulativeLayer('end', 'last'), last});
    case 'folded'
      net = SeriesNetwork({sequence, make('SequenceFoldingLayer', 'fold'), last});
    case 'shallow'
      net = network();
    case 'struct'
      net = struct('Layers', []);
  end
end

function array = counted(varargin)
  array = reshape(single(1:prod([varargin{:}])), varargin{:}) / 16 - 1;
end
