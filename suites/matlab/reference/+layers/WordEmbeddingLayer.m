function y = WordEmbeddingLayer(p, x)
  w = double(p.Weights);
  index = reshape(x.value, 1, []);
  if strcmp(option(p, 'OOVMode', 'map-to-last'), 'map-to-last')
    index(index < 1 | index >= size(w, 2)) = size(w, 2);
  end
  y = tensor(reshape(w(:, index), [size(w, 1), size(x.value, 2), size(x.value, 3)]), x.format);
end
