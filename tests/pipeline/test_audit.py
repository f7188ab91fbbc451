"""An audit finds by itself what is known to be wrong, and only that."""

import json
from pathlib import Path

import pytest
from PIL import Image
from tests.collection import DATA, needs_data
from tests.pipeline.small_set import Row, chest, write_set

from ctsieve.pipeline.audit_files import AuditDone, AuditFailed, AuditRequest, run_audit
from ctsieve.types.errors import UsageError


def audited(root: Path, out: Path, *names: str, **settings: str | tuple[str, ...]) -> AuditDone:
    request = AuditRequest(names=names or ("folder",), root=root, workers=1, **settings)  # type: ignore[arg-type]
    return run_audit(request, out)


def codes(done: AuditDone, gravity: str) -> set[str]:
    return {f.code for f in done.report.findings if f.gravity == gravity}


def test_the_file_extension_is_found_and_nothing_is_called_a_leak(tmp_path: Path) -> None:
    done = audited(write_set(tmp_path / "set"), tmp_path / "out", "folder")
    assert codes(done, "leak") == set()
    assert "shortcut-file-extension" in codes(done, "trap")
    cue = next(c for c in done.report.cues if c.cue == "file-extension")
    assert cue.levels == {".jpg": {"neither": 6}, ".png": {"covid19": 12, "neither": 6}}
    assert cue.figure.value == pytest.approx(0.75, abs=0.05)
    assert {row.sex for row in done.report.counts} == {"female", "male"}
    done.check()


def test_leaks_fail_the_audit_and_are_in_the_files(tmp_path: Path) -> None:
    def leak(rows: list[Row]) -> None:
        rows[0]["patient"] = rows[2]["patient"]
        turned = chest(5).rotate(90, expand=True).resize((200, 230))
        turned.save(tmp_path / "set" / "copy.jpg", quality=70)
        (tmp_path / "set" / "same.png").write_bytes((tmp_path / "set" / "7.png").read_bytes())
        rows.append({**rows[5], "image": "copy.jpg", "patient": "new", "partition": "test"})
        rows.append({**rows[7], "image": "same.png", "patient": "p7", "partition": "train"})

    done = audited(write_set(tmp_path / "set", change=leak), tmp_path / "out")
    assert codes(done, "leak") == {"patient-on-two-sides", "copies-on-two-sides"}
    (pair,) = [pair for pair in done.report.twins if pair.sides[0] != pair.sides[1]]
    assert {pair.one, pair.other} == {"5.png", "copy.jpg"}
    assert pair.turned in {"turned by 90 degrees", "turned by 270 degrees"}
    assert not pair.exact
    with pytest.raises(AuditFailed, match="patient-on-two-sides, copies-on-two-sides") as failure:
        done.check()
    assert failure.value.exit_code == 3
    page, plain = (path.read_text(encoding="utf-8") for path in done.files)
    assert json.loads(plain)["totals"]["leak"] == 2
    assert "copy.jpg" in page
    assert page.count("data:image/jpeg") == 2


def test_copies_of_two_labels_and_patients_are_traps(tmp_path: Path) -> None:
    def copy(rows: list[Row]) -> None:
        (tmp_path / "set" / "same.png").write_bytes((tmp_path / "set" / "7.png").read_bytes())
        rows.append({**rows[7], "image": "same.png", "patient": "new", "label": "neither"})

    done = audited(write_set(tmp_path / "set", change=copy), tmp_path / "out")
    assert {"copies-under-two-labels", "copies-under-two-patients"} <= codes(done, "trap")
    (pair,) = done.report.twins
    assert (pair.exact, pair.likeness) == (True, 1.0)


def test_what_counts_as_failure_can_be_chosen(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    with pytest.raises(AuditFailed, match="shortcut-file-extension"):
        audited(root, tmp_path / "out", fail_on="trap").check()
    audited(root, tmp_path / "out", fail_on="never").check()
    with pytest.raises(UsageError, match="no gravity"):
        AuditRequest(names=("folder",), root=root, fail_on="worst")


def test_lesions_a_model_spells_otherwise_are_found(tmp_path: Path) -> None:
    done = audited(write_set(tmp_path / "set"), tmp_path / "out", lesions=("Ggo", "Csld"))
    unknown = [f for f in done.report.findings if f.code == "unknown-lesion"]
    assert [f.examples for f in unknown] == [("GGO", "Ggo")]


def test_unreadable_cases_are_named_and_the_rest_is_audited(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    (root / "3.png").write_bytes(b"nothing")
    done = audited(root, tmp_path / "out")
    assert list(done.report.unreadable) == ["3.png"]
    assert "unreadable" in codes(done, "trap")
    assert next(c for c in done.report.cues).figure.num_cases == 23


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    one, two = (audited(root, tmp_path / name) for name in ("one", "two"))
    for first, second in zip(one.files, two.files, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_one_label_is_said_and_not_measured(tmp_path: Path) -> None:
    def alike(rows: list[Row]) -> None:
        for row in rows:
            row["label"] = "covid19"

    done = audited(write_set(tmp_path / "set", number=6, change=alike), tmp_path / "out")
    assert "one-label" in codes(done, "note")
    assert done.report.cues == ()


def test_files_that_are_not_what_they_are_called(tmp_path: Path) -> None:
    root = write_set(tmp_path / "set")
    Image.open(root / "1.png").save(root / "1.png", "JPEG")
    (finding,) = [
        f
        for f in audited(root, tmp_path / "out").report.findings
        if f.code == "name-says-another-format"
    ]
    assert finding.sentence == "1 file named .png holds JPEG data."


@needs_data
@pytest.mark.slow
def test_the_traps_of_covid_ct_are_found_without_being_told(tmp_path: Path) -> None:
    """What the collection's own notes say: file type AUC 0.75, formats mixed, a paper twice."""
    done = audited(DATA, tmp_path / "out", "covid-ct")
    assert codes(done, "leak") == {"patient-on-two-sides", "paper-on-two-sides"}
    extension = next(cue for cue in done.report.cues if cue.cue == "file-extension")
    assert extension.figure.value == pytest.approx(0.758, abs=0.005)
    assert extension.figure.low > 0.65
    assert done.report.cues[0] is extension
    text = " ".join(finding.sentence for finding in done.report.findings)
    for fact in (
        "all 238 covid19 are .png; others: 147 .jpg, 138 .png",
        "32 files named .png hold JPEG data",
        "L (284), RGB (199), RGBA (40)",
        "115 to 1671 pixels wide",
    ):
        assert fact in text
    assert done.report.twins == ()
