"""`ctsieve fit`: train a model from a TOML file and make it a bundle."""


def run() -> None:
    """Train."""
