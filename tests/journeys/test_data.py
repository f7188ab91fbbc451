"""A researcher's way: list, walk, audit, split, prepare, all from the command line."""

import json
from pathlib import Path

import pytest
from tests.journeys.conftest import Command
from tests.pipeline.small_set import Row, write_set

from ctsieve.learning.prepared import open_prepared


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_set(tmp_path / "set")


def test_from_a_table_to_shards(ctsieve: Command, small: Path, tmp_path: Path) -> None:
    assert "folder" in ctsieve("data", "list").out
    shown = ctsieve("data", "show", "covid-ct")
    assert "trap:" in shown.out
    assert "split:" in shown.out
    walked = ctsieve("data", "walk", "folder", "--data", str(small), "--json")
    assert len(walked.out.splitlines()) == 24
    assert json.loads(walked.out.splitlines()[0])["id"] == "0.jpg"
    audited = ctsieve(
        *("data", "audit", "folder", "--data", str(small), "--out", str(tmp_path / "audit")),
        *("--workers", "1", "--json"),
    )
    assert audited.code == 0
    assert json.loads(audited.out)["schema_version"] == "1.0"
    split = tmp_path / "split.json"
    dealt = ctsieve(
        "data", "split", "folder", "--data", str(small), "--out", str(split), "--folds", "3"
    )
    assert dealt.code == 0
    assert "fold-3: 8 cases" in dealt.out
    checked = ctsieve(
        *("data", "audit", "folder", "--data", str(small), "--out", str(tmp_path / "again")),
        *("--workers", "1", "--split", str(split), "--fail-on", "leak"),
    )
    assert checked.code == 0
    made = ctsieve(
        *("data", "prepare", "folder", "--data", str(small), "--out", str(tmp_path / "shards")),
        *("--size", "32", "--crop", "whole", "--workers", "1"),
    )
    assert made.code == 0
    opened = open_prepared(tmp_path / "shards", verify=True)
    assert opened.pixels.shape == (24, 32, 32)
    assert opened.digest in made.out


def test_leaks_end_with_exit_code_three(ctsieve: Command, tmp_path: Path) -> None:
    def leak(rows: list[Row]) -> None:
        rows[0]["patient"] = rows[2]["patient"]

    root = write_set(tmp_path / "set", change=leak)
    audited = ctsieve(
        *("data", "audit", "folder", "--data", str(root), "--out", str(tmp_path / "audit")),
        *("--workers", "1"),
    )
    assert audited.code == 3
    assert "patient-on-two-sides" in audited.err
    assert (tmp_path / "audit" / "audit.html").is_file()
    published = ("data", "split", "folder", "--data", str(root), "--published", "published")
    refused = ctsieve(*published, "--out", str(tmp_path / "no.json"))
    assert refused.code == 3
    assert "--accept-leakage" in refused.err
    assert not (tmp_path / "no.json").exists()
    accepted = ctsieve(*published, "--out", str(tmp_path / "yes.json"), "--accept-leakage")
    assert accepted.code == 0
    assert "leak accepted: 1 patient" in accepted.err
    assert json.loads((tmp_path / "yes.json").read_text())["leakage"]


def test_copies_are_kept_together_on_request(ctsieve: Command, tmp_path: Path) -> None:
    def copy(rows: list[Row]) -> None:
        for i in range(0, 24, 2):
            name = f"copy{i}.png"
            source = tmp_path / "set" / rows[i]["image"]
            (tmp_path / "set" / name).write_bytes(source.read_bytes())
            rows.append({**rows[i], "image": name, "patient": f"new{i}"})

    root = write_set(tmp_path / "set", change=copy)
    out = tmp_path / "split.json"
    dealt = ctsieve(
        *("data", "split", "folder", "--data", str(root), "--out", str(out)),
        *("--folds", "2", "--copies-together", "--workers", "1"),
    )
    assert dealt.code == 0
    sides = json.loads(out.read_text())["sides"]
    side_of = {name: side for side, own in sides.items() for name in own}
    for name, side in side_of.items():
        if name.startswith("copy"):
            number = name.removeprefix("copy").removesuffix(".png")
            assert side == side_of.get(f"{number}.png", side_of.get(f"{number}.jpg"))
    assert "12 pairs of copies together" in json.loads(out.read_text())["method"]


def test_unreadable_cases_are_left_out_on_request(
    ctsieve: Command, small: Path, tmp_path: Path
) -> None:
    (small / "3.png").write_bytes(b"nothing")
    prepare = ("data", "prepare", "folder", "--data", str(small), "--workers", "1", "--size", "16")
    stopped = ctsieve(*prepare, "--out", str(tmp_path / "shards"))
    assert stopped.code == 3
    assert "'3.png'" in stopped.err
    partly = ctsieve(*prepare, "--out", str(tmp_path / "shards"), "--skip-unreadable")
    assert partly.code == 5
    assert "left out 3.png" in partly.err
    assert len(open_prepared(tmp_path / "shards").cases) == 23


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("prepare", "folder", "--crop", "heart"), "crop"),
        (("prepare", "folder", "--window", "wide"), "no window"),
        (("split", "folder", "--shares", "train"), "no shares"),
        (("split", "folder", "--shares", "train=0"), "share 0.0"),
        (("split", "folder", "--shares", "train=0.7,tune=0.7"), "do not add up to 1"),
        (("split", "folder", "--published", "mine"), "no split called"),
        (("audit", "folder", "--fail-on", "worst"), "no gravity"),
        (
            (
                "audit",
                "phantoms",
            ),
            "no data set called",
        ),
        (
            (
                "show",
                "covid-ct/other",
            ),
            "no variant called",
        ),
    ],
)
def test_wrong_words_get_a_sentence(
    ctsieve: Command, small: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    place = () if words[0] == "show" else ("--data", str(small), "--out", str(tmp_path / "out"))
    answer = ctsieve("data", *words, *place)
    assert answer.code == 2
    assert sentence in answer.err
    assert not (tmp_path / "out").exists()
