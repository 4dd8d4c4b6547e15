function sides = border(p, what, x, axes, window, stride, dilate)
  % 2 x axes: elements before (row 1) and after (row 2) on each spatial axis.
  mode = option(p, [what 'Mode'], 'manual');
  if strcmp(mode, 'same')
    sides = zeros(2, axes);
    for k = 1:axes
      n = size(x, k);
      total = max(0, (ceil(n / stride(k)) - 1) * stride(k) + (window(k) - 1) * dilate(k) + 1 - n);
      sides(:, k) = [floor(total / 2); ceil(total / 2)];
    end
  elseif strcmp(mode, 'causal')
    sides = [(window(1) - 1) * dilate(1); 0];
  else
    stored = option(p, [what 'Size'], zeros(1, 2 * axes));
    if axes < 3
      sides = reshape(stored, 2, axes);      % [l r] or [t b l r]
    else
      sides = stored;                        % [t l f; b r k]
      if size(sides, 1) == 1, sides = reshape(stored, 3, 2)'; end
    end
  end
end
