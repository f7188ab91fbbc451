"""Synthetic chests of known anatomy and lesions, as volumes and as files."""
