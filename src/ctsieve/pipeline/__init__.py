"""RECIPES OF CALLS: the order in which the parts are called, no arithmetic."""
