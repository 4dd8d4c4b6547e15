function y = WordEmbeddingLayer(p, x)
  w = double(p.Weights);
  index = reshape(x.value, 1, []);
  if strcmp(option(p, 'OOVMode', 'map-to-last'), 'map-to-last')
    index(index < 1 | index >= columns(w)) = columns(w);
  end
  y = tensor(reshape(w(:, index), [rows(w), size(x.value, 2), size(x.value, 3)]), x.format);
end
