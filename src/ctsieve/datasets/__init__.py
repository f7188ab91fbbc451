"""One public data set per file: where it is, its licence, its traps, its cases."""
