"""THE FRONT DOOR: the only place that opens images."""
