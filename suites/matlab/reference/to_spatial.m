function [x, axes] = to_spatial(t)
  % Spatial axes first, then channels, then samples: time counts as the one spatial axis, features are a 1 x 1 image.
  switch t.format
    case 'CBT', x = permute(t.value, [3 1 2]); axes = 1;
    case 'CB',  x = reshape(t.value, [1 1 size(t.value, 1) size(t.value, 2)]); axes = 2;
    case 'SSCB',  x = t.value; axes = 2;
    case 'SSSCB', x = t.value; axes = 3;
  end
end
