function y = SelfAttentionLayer(p, x)
  heads = option(p, 'NumHeads', 1);
  steps = size(x.value, 3);
  value = zeros(size(p.OutputWeights, 1), size(x.value, 2), steps);
  for s = 1:size(x.value, 2)
    seq = reshape(x.value(:, s, :), size(x.value, 1), steps);  % C x T
    q = double(p.QueryWeights) * seq + double(p.QueryBias(:));
    k = double(p.KeyWeights) * seq + double(p.KeyBias(:));
    v = double(p.ValueWeights) * seq + double(p.ValueBias(:));
    wide = size(k, 1) / heads;
    tall = size(v, 1) / heads;
    joined = zeros(size(v, 1), steps);
    for head = 1:heads
      keys = (head - 1) * wide + (1:wide);
      score = k(keys, :)' * q(keys, :) / sqrt(wide);  % keys x queries
      if strcmp(option(p, 'AttentionMask', 'none'), 'causal')
        score(tril(true(steps), -1)) = -Inf;
      end
      share = exp(score - max(score, [], 1));
      share = share ./ sum(share, 1);
      out = (head - 1) * tall + (1:tall);
      joined(out, :) = v(out, :) * share;
    end
    joined = double(p.OutputWeights) * joined + double(p.OutputBias(:));
    value(:, s, :) = reshape(joined, size(joined, 1), 1, steps);
  end
  y = tensor(value, 'CBT');
end
