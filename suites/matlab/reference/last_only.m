function only = last_only(p, x)
  % Whether a recurrent layer gives its last step only: by option, or because there is one step.
  only = strcmp(option(p, 'OutputMode', 'sequence'), 'last') || strcmp(x.format, 'CB');
end
