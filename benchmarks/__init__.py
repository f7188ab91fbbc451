"""Speed beside a peer in the same run, printed as ratios; `make bench` runs all of it."""
