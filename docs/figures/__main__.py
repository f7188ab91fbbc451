"""Draw the figures of docs/concepts: `python docs/figures [NAMES] [--keep FOLDER]`.

Chests are drawn, small networks trained on them and the figures written to docs/concepts/figures.
It takes some ten minutes on two cores; `--keep` stores the trained weights for the next time.
"""

import argparse
import sys
from pathlib import Path

import att2
import gradcam
import one_shot
import series
import torch
from drawing import save
from lab import Lab

OUT = Path(__file__).parent.parent / "concepts" / "figures"
SHEETS = {"att2": att2, "gradcam": gradcam, "one-shot": one_shot, "series": series}


def say(words: str) -> None:
    """Progress, and what was written."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


def main() -> None:
    """Draw the named figures, or all of them."""
    parser = argparse.ArgumentParser(prog="python docs/figures", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SHEETS)}; all by default")
    parser.add_argument("--keep", type=Path, help="folder for trained weights")
    options = parser.parse_args()
    torch.manual_seed(0)
    lab = Lab(options.keep, say)
    OUT.mkdir(parents=True, exist_ok=True)
    for name in options.names or SHEETS:
        for figure, picture in SHEETS[name].figures(lab):
            save(picture, OUT / f"{figure}.jpg")
            say(str(OUT / f"{figure}.jpg"))


if __name__ == "__main__":
    main()
