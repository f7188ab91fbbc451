"""Numbers that must not move by accident; `make golden` makes them anew and says what moved."""
