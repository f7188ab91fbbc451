"""Folders of golden files as others may hand them in: damaged, incomplete, with more in them."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.parity import PUBLIC
from tests.parity.__main__ import main
from tests.parity._files import not_compared

KIND = "mask_paste"
"""The quickest kind that has arrays."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one golden file."""
    found = sorted(PUBLIC.glob(f"{KIND}_seed*.*"))
    if not found:
        pytest.skip("golden files are not at hand: set CTSIEVE_GOLDEN to their folder")
    for file in found:
        shutil.copy(file, tmp_path / file.name)
    return tmp_path


@pytest.fixture
def parity(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command, its exit status."""

    def run(folder: Path) -> int:
        monkeypatch.setattr(sys, "argv", ["parity", "--golden", str(folder), "--no-graphs"])
        return main()

    return run


def test_a_whole_folder_passes(folder: Path, parity: Callable[..., int]) -> None:
    assert parity(folder) == 0


@pytest.mark.parametrize(
    ("suffix", "content", "said"),
    [
        (".npz", b"PK\x03\x04 cut off", "npz cannot be read"),
        (".npz", None, "there is no mask_paste"),
        (".json", b"{", "json is no JSON file"),
        (".json", b"[]", "holds no JSON object"),
        (".json", b"{}", "has no entry 'image'"),
    ],
)
def test_a_damaged_file_ends_in_one_sentence(
    suffix: str,
    content: bytes | None,
    said: str,
    folder: Path,
    parity: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (file,) = folder.glob(f"*{suffix}")
    file.unlink() if content is None else file.write_bytes(content)
    assert parity(folder) == 3
    printed = capsys.readouterr()
    assert said in printed.err
    assert "Traceback" not in printed.err
    assert printed.err.startswith("error: ")
    assert "1 of 1 files cannot be read" in printed.out


def test_a_damaged_archive_inside_is_one_sentence_too(
    folder: Path, parity: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = folder.glob("*.npz")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    assert parity(folder) == 3
    assert "cannot be read" in capsys.readouterr().err
    np.savez(file, masks=np.array([{}], dtype=object))
    assert parity(folder) == 3
    assert "Object arrays" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "absent"])
def test_a_folder_without_golden_files_is_a_usage_error(
    name: str, tmp_path: Path, parity: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert parity(tmp_path / name) == 2
    assert "no golden file" in capsys.readouterr().err


def test_a_wrong_number_is_status_1(folder: Path, parity: Callable[..., int]) -> None:
    (file,) = folder.glob("*.json")
    gold = json.loads(file.read_text())
    gold["sum"][0] += 1.0
    file.write_text(json.dumps(gold))
    assert parity(folder) == 1


def test_what_nobody_compares_is_named() -> None:
    gold = {"outputs": {"eval": {"logits": [0.0], "new": [1.0]}, "author": {"logits": [0.0]}}}
    arrays = {"eval_fpn": np.zeros(1), "eval_more": np.zeros(1)}
    seen = ["logits", "logits (forward)", "fpn"]
    assert not_compared(gold, arrays, seen) == ["eval_more", "new"]
    assert not_compared({"outputs": {"logits": [0.0], "other": 1.0}}, {}, seen) == ["other"]
    assert not_compared({"cases": []}, {"given": np.zeros(1)}, []) == []
