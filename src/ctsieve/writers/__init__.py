"""THE BACK DOOR: one output format per file, each with a CARD."""
