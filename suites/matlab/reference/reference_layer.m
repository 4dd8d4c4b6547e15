function results = reference_layer(kind, p, inputs)
  % One layer: a cell of tensors (structs of value and format) for the tensors it takes. `p` is a struct of MATLAB's own
  % property names; learnables are in MATLAB's layout. Independent of any framework; double precision.
  if ! isempty(regexp(kind, 'Convolution'))
    results = reference_convolution(kind, p, inputs);
  elseif ! isempty(regexp(kind, 'Pooling|Unpooling'))
    results = reference_pooling(kind, p, inputs);
  elseif ! isempty(regexp(kind, 'Normalization'))
    results = reference_normalization(kind, p, inputs);
  elseif ! isempty(regexp(kind, 'LSTM|GRU|Attention'))
    results = reference_recurrent(kind, p, inputs);
  else
    results = reference_core(kind, p, inputs);
  end
end
