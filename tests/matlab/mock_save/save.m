function save(file, varargin)
  % A disk that is full.
  stub = fopen(file, 'w');
  fputs(stub, 'MATLAB 5.0 MAT-file');
  fclose(stub);
  error('no space left on device');
end
