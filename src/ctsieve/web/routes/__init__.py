"""One file per subject of the REST API; each has a `router`."""
