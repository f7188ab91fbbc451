"""What a locked set keeps back is never learnt from, wherever its images lie."""

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.learning.small import config
from tests.pipeline.commands import run
from tests.synthetic import tiny_config
from tests.tiny_bundle import make_tiny_bundle
from tests.web.releasing import pictures

from ctsieve.datasets import DATASETS
from ctsieve.datasets.release import KEPT_BACK, kept_back, release_at
from ctsieve.pipeline.fit import fit
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.kept_back import refuse_locked
from ctsieve.pipeline.train import train
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected
from ctsieve.web.deidentify import Pseudonyms
from ctsieve.web.release_files import Chosen, Read, write_release

KINDS = ("covid", "normal", "covid", "normal")
LABELS = {"covid": "covid19", "normal": "neither"}
REFUSED = r"case '.*' is of a locked set, which is kept back to judge candidates by"
PSEUDONYMS = Pseudonyms("of a test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """A locked set and a release that knows of it, each in a folder of its own."""

    locked: Path
    release: Path


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Sets:
    home = tmp_path_factory.mktemp("home")
    made = []
    for number, (kind, content) in enumerate(zip(KINDS, pictures(KINDS).values(), strict=True)):
        (home / str(number)).write_bytes(content)
        label = LABELS[kind]
        made.append(
            Chosen(
                id=f"{number:032x}", study_id=str(number), image=str(number), is_picture=True,
                patient=f"P{number}", outlines=[], label=label,
                partition="test" if number < 2 else "train",
                readings=tuple(Read(reader=r, at=0.0, label=label, lesions=()) for r in "ab"),
            )
        )  # fmt: skip
    about = {"version": 1, "licence": "CC-BY-4.0", "purpose": "locked"}
    locked, release = home / "locked" / "set", home / "open" / "set"
    write_release(locked, made[:2], home=home, pseudonyms=PSEUDONYMS, about=about)
    opened = release_at(locked)
    assert opened is not None
    write_release(
        release, made[2:], home=home, pseudonyms=PSEUDONYMS,
        about={**about, "purpose": "training"}, kept=kept_back(locked, opened),
    )  # fmt: skip
    return Sets(locked=locked, release=release)


def _image(folder: Path) -> Path:
    return min((folder / "images").iterdir())


def _case(file: Path, *, patient: str = "mine") -> Case:
    return Case(id="mine", patient=patient, label="covid19", files=(file,))


def test_neither_way_of_training_takes_a_locked_set(sets: Sets, tmp_path: Path) -> None:
    told = tiny_config(stages=[{"size": 32, "epochs": 1}]).model_dump()
    told["data"] = {"sets": ["release"], "tune_share": 0.25, "shares": {}}
    settings = FitConfig.model_validate(told)
    with pytest.raises(InputRejected, match=REFUSED) as refused:
        fit(settings, tmp_path / "one", data=sets.locked)
    assert refused.value.exit_code == 3
    assert "fit on a release" in refused.value.hint
    with pytest.raises(InputRejected, match=REFUSED):
        train(config("resnet18", data={"sets": ["release"]}), tmp_path / "two", data=sets.locked)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_scores_to_calibrate_on_are_not_made_of_a_locked_set(sets: Sets, tmp_path: Path) -> None:
    bundle = make_tiny_bundle(tmp_path).folder
    words = ["evaluate", bundle, sets.locked, "--dataset", "release", "--json", "--side"]
    with pytest.raises(InputRejected, match=REFUSED):
        run(*words, "tune")
    with pytest.raises(InputRejected, match="all positive cases are of one patient"):
        run(*words, "test")  # measured it is: but two patients are too few for a report


def test_a_release_knows_copies_of_locked_images_and_their_patients(
    sets: Sets, tmp_path: Path
) -> None:
    copy = tmp_path / "renamed.png"
    shutil.copy(_image(sets.locked), copy)
    refuse_locked([_case(copy)], tmp_path)  # with no release at hand nobody can know it
    own = list(DATASETS["release"].walk(sets.release))
    refuse_locked(own, sets.release)
    with pytest.raises(InputRejected, match="'mine'"):
        refuse_locked([*own, _case(copy)], sets.release)
    with pytest.raises(InputRejected, match="'mine'"):
        refuse_locked([_case(copy)], sets.release.parent)  # it lies in the data's folder
    other = _image(sets.release)
    with pytest.raises(InputRejected, match="'mine'"):
        refuse_locked([*own, _case(other, patient="P1")], sets.release)


def test_a_link_and_a_table_elsewhere_are_followed_to_the_locked_set(
    sets: Sets, tmp_path: Path
) -> None:
    (tmp_path / "link.png").symlink_to(_image(sets.locked))
    (tmp_path / "folder").symlink_to(sets.locked / "images")
    for file in (
        tmp_path / "link.png",
        tmp_path / "folder" / _image(sets.locked).name,
        _image(sets.locked),
    ):
        with pytest.raises(InputRejected, match=REFUSED):
            refuse_locked([_case(file)], tmp_path)


def test_what_is_kept_back_is_part_of_the_release_and_names_nobody(sets: Sets) -> None:
    release = release_at(sets.release)
    assert release is not None
    assert KEPT_BACK in release.members
    with (sets.release / KEPT_BACK).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["patient"] for row in rows) == ["", "", "P0", "P1"]
    assert len({row["sha256"] for row in rows}) == 3
