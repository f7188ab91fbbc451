"""Training as the papers have it, small enough for one core: `python -m benchmarks.study`."""
