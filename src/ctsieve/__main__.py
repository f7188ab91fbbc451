"""`python -m ctsieve` is `ctsieve`."""

from ctsieve.cli import main

if __name__ == "__main__":
    main()
