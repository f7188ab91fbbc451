"""`ctsieve phantom`: make a synthetic chest CT whose truth is known."""
