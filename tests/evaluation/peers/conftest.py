"""The scripts that made the peers' numbers need the peers, which no test does."""

collect_ignore = ["make_python.py"]
