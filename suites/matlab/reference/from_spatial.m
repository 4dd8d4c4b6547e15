function t = from_spatial(y, axes)
  switch axes
    case 1, t = tensor(permute(y, [2 3 1]), 'CBT');
    case 2, t = tensor(y, 'SSCB');
    case 3, t = tensor(y, 'SSSCB');
  end
end
