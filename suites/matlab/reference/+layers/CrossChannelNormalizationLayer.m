function y = CrossChannelNormalizationLayer(p, x)
  v = x.value;
  w = option(p, 'WindowChannelSize', 5);
  total = zeros(size(v));
  for c = 1:size(v, 3)
    seen = max(1, c - floor((w - 1) / 2)):min(size(v, 3), c + floor(w / 2));
    total(:, :, c, :) = sum(v(:, :, seen, :) .^ 2, 3);
  end
  y = tensor(v ./ (option(p, 'K', 2) + option(p, 'Alpha', 1e-4) * total / w) .^ option(p, 'Beta', 0.75), x.format);
end
