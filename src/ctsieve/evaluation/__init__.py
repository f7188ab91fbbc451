"""Arrays in, numbers out: every number with n and an interval."""
