function parity_run(model, inputs, outputs)
  % Run a plain-struct export: parity_run('model.mat', 'inputs.mat', 'outputs.mat').
  %
  % inputs.mat holds the cell `values`, one array per input of the network, as `forward` takes them. outputs.mat gets the
  % cells `values` and `formats`, one element per output of the network.
  net = load(model).parity;
  arrays = load(inputs).values;
  [values, formats] = forward(net, arrays);
  save('-v7', [outputs '.part'], 'values', 'formats');
  rename([outputs '.part'], outputs);
end
