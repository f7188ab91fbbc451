"""One method of explanation per file."""
