function octave_resave(source, target, flag)
  % Load a MAT file and let Octave write it anew, so that the file is Octave's own.
  held = load(source);
  save(flag, target, "-struct", "held");
end
