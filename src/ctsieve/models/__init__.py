"""One paper family per file or folder (torch)."""
