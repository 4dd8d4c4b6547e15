function sample = mock_sample(name)
  % Samples by name.
  image = @(n) reshape(mod(7 * (1:4 * 5 * 2 * n), 13), 4, 5, 2, n) - 6;
  steps = reshape(mod(5 * (1:3 * 4 * 6), 11), 3, 4, 6) - 5;
  switch name
    case 'image'
      sample = image(1);
    case 'images'
      sample = uint8(image(3) + 6);
    case 'cell'
      sample = {image(2), gpuArray(single(image(2)) / 2)};
    case 'dlarray'
      sample = dlarray(gpuArray(single(image(2))), 'SSCB');
    case 'unformatted'
      sample = dlarray(single(image(2)));
    case 'features'
      sample = struct('inputs', {{steps(:, :, 1)}}, 'formats', {{'CB'}});
    case 'feature'
      sample = struct('inputs', {{steps(:, 1, 1)}}, 'formats', 'C');
    case 'sequences'
      sample = dlarray(steps, 'CBT');
    case 'sequence'
      sample = dlarray(squeeze(steps(:, 1, :)), 'CT');
    case 'one sequence'
      sample = dlarray(steps(:, 1, :), 'CBT');
    case 'videos'
      sample = dlarray(reshape(image(12), 4, 5, 2, 3, 4), 'SSCBT');
    case 'video'
      sample = dlarray(reshape(image(4), 4, 5, 2, 4), 'SSCT');
    case 'bare sequence'
      sample = steps;
    case 'wrong order'
      sample = struct('inputs', {{steps}}, 'formats', {{'TCB'}});
    case 'too many dimensions'
      sample = struct('inputs', {{steps}}, 'formats', {{'CB'}});
    case 'unlabelled'
      sample = struct('inputs', {{steps}}, 'formats', {{'UUU'}});
    case 'text'
      sample = 'text';
    case 'half a struct'
      sample = struct('inputs', {{steps}});
    case 'uneven struct'
      sample = struct('inputs', {{steps}}, 'formats', {{'CBT', 'CB'}});
    case 'two images'
      sample = {image(1), image(1)};
    case 'wrong size'
      sample = ones(1, 1, 5);
  end
end
