"""SHELL: one command per file."""
