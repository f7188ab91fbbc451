"""Make the golden numbers anew and print, in words, what moved."""

import json
from pathlib import Path

from tests.golden.numbers import measure

FILE = Path(__file__).parent / "numbers.json"


def main() -> None:
    """Write numbers.json."""
    before: dict[str, float] = json.loads(FILE.read_text()) if FILE.is_file() else {}
    now = measure()
    moved = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    for name in moved:
        print(f"{name}: {before.get(name, 'new')} -> {now.get(name, 'gone')}")
    print(f"{len(moved)} of {len(now)} numbers moved: say why in the commit")
    FILE.write_text(json.dumps(now, indent=1) + "\n")


if __name__ == "__main__":
    main()
