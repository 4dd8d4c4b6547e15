function parity_serve()
  % Serve calls: each line of the standard input is "function<TAB>argument<TAB>...", and is answered by a line that
  % begins with \004. Ends when the input does. (fgetl(stdin) would wait until a whole buffer of lines is there.)
  while true
    try
      line = input("", "s");
    catch
      return;
    end
    words = strsplit(line, "\t", "CollapseDelimiters", false);
    try
      feval(words{:});
      printf("\n\004done\n");
    catch problem
      printf("\n\004failed %s\n", strrep(problem.message, "\n", " "));
    end
    fflush(stdout);
  end
end
