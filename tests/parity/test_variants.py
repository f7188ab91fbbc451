"""Golden files unlike the public ones: other seeds, sizes, batches, lengths, numbers of regions."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.parity import check_file, load_fill
from tests.parity._remake import MAKERS
from tests.parity.test_parity import GOLDEN


@pytest.mark.parametrize("kind", MAKERS)
def test_a_file_of_any_size_is_checked_and_a_wrong_number_seen(kind: str, tmp_path: Path) -> None:
    found = sorted(GOLDEN.glob(f"{kind}_seed*.json"))
    if not found:
        pytest.skip("golden files are not at hand: set CTSIEVE_GOLDEN to their folder")
    (tmp_path / "fill.py").symlink_to(GOLDEN.parent / "fill.py")
    gold = json.loads(found[0].read_text(encoding="utf-8"))
    made = MAKERS[kind](deepcopy(gold), load_fill(GOLDEN))
    good = list(check_file(written(made, tmp_path / f"{kind}_seed31.json")))
    assert [row for row in good if not row.passed] == []
    assert len(good) > 5

    broken = logits_off(made)
    rows = list(check_file(written(broken, tmp_path / f"{kind}_seed32.json")))
    assert {row.quantity.split()[0] for row in rows if not row.passed} <= {"logits", "logits_final"}
    assert any(not row.passed for row in rows)


def written(gold: dict[str, Any], file: Path) -> Path:
    """The JSON and, where there are arrays, the `.npz` beside it."""
    arrays = {k: np.asarray(v) for k, v in gold.get("arrays", {}).items()}
    if arrays:
        np.savez(file.with_suffix(".npz"), allow_pickle=False, **arrays)
    file.write_text(json.dumps({k: v for k, v in gold.items() if k != "arrays"}), encoding="utf-8")
    return file


def logits_off(value: Any) -> Any:  # noqa: ANN401  # JSON
    """The same with every logit of an image off by 0.1."""
    if isinstance(value, dict):
        return {
            k: (np.asarray(v) + 0.1).tolist()
            if k in ("logits", "logits_final") and isinstance(v, list)
            else logits_off(v)
            for k, v in value.items()
        }
    return [logits_off(v) for v in value] if isinstance(value, list) else value
