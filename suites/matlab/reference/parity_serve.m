function parity_serve()
  % Serve calls until the input ends: one line "function<TAB>argument<TAB>...", answered by a line that begins with \004.
  while true
    line = fgetl(stdin);
    if ! ischar(line)
      return;
    end
    words = strsplit(line, "\t", "CollapseDelimiters", false);
    try
      feval(words{:});
      printf("\004done\n");
    catch problem
      printf("\004failed %s\n", strrep(problem.message, "\n", " "));
    end
    fflush(stdout);
  end
end
