function names = octave_shapes(folder, flag)
% Networks as cells that double three values, beside what Octave writes of empty things, and within structs.
W = {2 * eye(3)}; b = {zeros(3, 1)}; act_fcns = 'linear';
fieldless = repmat(struct(), 1, 2584); nothing = {}; none = struct('a', {}); text = ''; deep = {{{{1}}}};
save(flag, fullfile(folder, 'variables.mat'), 'W', 'b', 'act_fcns', 'fieldless', 'nothing', 'none', 'text', 'deep');
net = struct('W', {W}, 'b', {b}, 'act_fcns', act_fcns);
sparse_data = sparse([1 0; 0 0]); complex_data = 1 + 2i; whole = int64(2)^53 + 1; flags = [true false];
save(flag, fullfile(folder, 'struct.mat'), 'net', 'sparse_data', 'complex_data', 'whole', 'flags', 'fieldless');
result.best.net = net; result.accuracy = 0.9;
save(flag, fullfile(folder, 'inside.mat'), 'result', 'nothing');
nets.first = net; nets.second = net;
save(flag, fullfile(folder, 'two.mat'), 'nets', 'none');
names = {'variables', 'struct', 'inside', 'two'};
end
