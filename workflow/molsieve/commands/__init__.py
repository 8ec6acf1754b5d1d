"""One file a command; each parses its options, calls a stage and prints its report."""
