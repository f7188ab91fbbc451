"""VERBS on arrays: pure functions, no files, no frameworks."""
