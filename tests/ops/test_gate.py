"""Every code of the gate: the smallest image that earns it, and plain ones that earn none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.ops.chest import (
    LUNG_LUNG,
    PLAIN,
    SOFT_TISSUE,
    Chest,
    exchanged,
    make_abdomen,
    make_chest,
    make_cylinder,
    make_head,
    picture_of,
    shown,
    volume_of,
    with_opacity,
)

from ctsieve.ops.gate import gate, gate_and_lungs
from ctsieve.ops.gate_rules import RULES, found, rules_page
from ctsieve.ops.window import picture_of as exported
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.presets import preset
from ctsieve.types.promise import BrokenPromise
from ctsieve.types.provenance import PLACES_ASSUMED, Acquisition
from ctsieve.types.volume import CTPicture, CTVolume

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "gate.md"
FINE = (4.0, 1.2, 1.2)


def _square(chest: Chest) -> CTPicture:
    """The middle slice in a lung window, square as CT pictures are."""
    values = shown(chest.hu[len(chest.hu) // 2 :][:1], LUNG_LUNG)
    _, num_rows, num_columns = values.shape
    more = (num_columns - num_rows) // 2
    return picture_of(np.pad(values, ((0, 0), (more, more), (0, 0)), mode="edge"))


def _saying(**said: object) -> CTVolume:
    return make_chest().volume(replace(PLAIN, **said))  # type: ignore[arg-type]


def _perhaps_exchanged() -> CTPicture:
    """No air around the body, and a dense ball that passes for a lung when it is black."""
    dense = with_opacity(make_chest(FINE, table=False), centre=(0, -5, 72), mm=38.0, hu=40)
    tight = dense.cut(rows=slice(50, 190), columns=slice(44, 272))
    return exchanged(tight.picture())


def _coloured() -> CTPicture:
    plain = _square(make_chest(FINE))
    marked = replace(plain.provenance.acquisition, coloured_fraction=0.01)
    return picture_of(plain.values, marked)


def _interpolated() -> CTVolume:
    volume = make_chest().volume()
    sources = list(volume.provenance.slices)
    sources[7] = None
    provenance = replace(volume.provenance, slices=tuple(sources))
    return CTVolume(hu=volume.hu, geometry=volume.geometry, provenance=provenance)


def _without_places() -> CTVolume:
    volume = make_chest().volume()
    step = f"{PLACES_ASSUMED}: taken from Slice Location"
    return replace(volume, provenance=replace(volume.provenance, steps=(step,)))


def _damaged() -> CTVolume:
    volume = make_chest().volume()
    return replace(volume, provenance=replace(volume.provenance, num_damaged=2))


def _upside_down() -> CTVolume:
    chest = make_chest()
    return volume_of(np.ascontiguousarray(chest.hu[:, ::-1]), chest.spacing)


def _quarter_turn() -> CTVolume:
    chest = make_chest()
    return volume_of(np.ascontiguousarray(np.rot90(chest.hu, axes=(1, 2))), chest.spacing)


def _unscaled() -> CTVolume:
    chest = make_chest()
    return volume_of((chest.hu + 1024).clip(0).astype(np.int16), chest.spacing)


CAUSES: dict[str, Callable[[], CTVolume | CTPicture]] = {
    "not-ct": lambda: _saying(modality="MR"),
    "localiser": lambda: _saying(image_type=("ORIGINAL", "PRIMARY", "LOCALIZER")),
    "not-hu": _unscaled,
    "not-chest": lambda: make_head().volume(),
    "inverted": lambda: exchanged(_square(make_chest(FINE))),
    "perhaps-inverted": _perhaps_exchanged,
    "single-slice": lambda: volume_of(make_chest().hu[28:29], (4.0, 2.0, 2.0)),
    "few-slices": lambda: volume_of(make_chest().hu[28:31], (4.0, 2.0, 2.0)),
    "partial-coverage": lambda: volume_of(make_chest().hu[:32], (4.0, 2.0, 2.0)),
    "truncated-fov": lambda: make_chest().cut(columns=slice(45, None)).volume(),
    "wrong-orientation": _upside_down,
    "prone": lambda: _saying(patient_position="HFP"),
    "wrong-window": lambda: make_chest(FINE).picture(SOFT_TISSUE),
    "figure-from-paper": _coloured,
    "low-resolution": lambda: make_chest((4.0, 2.4, 2.4)).picture(),
    "thick-slices": lambda: make_chest((8.0, 2.0, 2.0)).volume(),
    "damaged-files": _damaged,
    "interpolated-slices": _interpolated,
    "assumed-places": _without_places,
    "gantry-tilt": lambda: _saying(tilt_degrees=-12.0),
    "assumed-hu": lambda: _saying(intensity="assumed-hu"),
    "burned-in-annotation": lambda: _saying(burned_in_annotation=True),
    "contrast-unknown": lambda: make_chest().volume(Acquisition()),
}
"""For each code an image that earns it, and no graver one."""


def test_every_code_has_a_cause_here() -> None:
    assert set(CAUSES) == set(RULES)


@pytest.mark.parametrize("code", RULES)
def test_the_cause_earns_the_code_with_its_severity_and_a_sentence(code: str) -> None:
    report = gate(CAUSES[code]())
    finding = next(f for f in report.findings if f.code == code)
    assert finding.severity == RULES[code].severity
    assert finding.sentence.endswith(".")
    assert all(RULES[f.code].severity == "warning" for f in report.findings if f.code != code)
    order = list(RULES)
    assert [f.code for f in report.findings] == sorted(report.reasons, key=order.index)


@pytest.mark.parametrize("code", RULES)
def test_a_rejected_image_has_no_lungs_and_any_other_has(code: str) -> None:
    image = CAUSES[code]()
    report, lungs = gate_and_lungs(image)
    assert lungs.shape == image.geometry.shape
    assert lungs.any() == (report.verdict != "rejected")


def test_a_plain_series_is_accepted_without_a_word() -> None:
    report = gate(make_chest().volume())
    assert report.reasons == ()
    assert report.verdict == "accepted"
    assert report.measurements["lung_ml"] == pytest.approx(3000, rel=0.05)
    assert report.measurements["num_slices"] == 60


def test_a_plain_picture_is_accepted_without_a_word() -> None:
    assert gate(_square(make_chest(FINE))).reasons == ()


def test_a_missing_contrast_agent_is_no_reason_for_a_warning() -> None:
    assert gate(_saying(contrast=None)).verdict == "accepted"


def test_a_single_slice_is_no_scan_and_a_few_are_warned_of() -> None:
    chest = make_chest()
    one = gate(volume_of(chest.hu[28:29], chest.spacing))
    assert (one.reasons, one.verdict) == (("single-slice",), "rejected")
    few = gate(volume_of(chest.hu[28:31], chest.spacing))
    assert (few.reasons, few.verdict) == (("few-slices",), "accepted_with_warnings")


def test_the_same_single_slice_is_judged_as_a_picture() -> None:
    chest = make_chest(FINE)
    slice_ = volume_of(chest.hu[30:31], chest.spacing)
    assert gate(exported(slice_, 0)).verdict != "rejected"


def test_a_quarter_turn_of_a_volume_is_seen() -> None:
    assert "wrong-orientation" in gate(_quarter_turn()).reasons


@pytest.mark.parametrize("make", [make_abdomen, make_head, make_cylinder])
def test_what_is_no_chest_is_rejected_as_volume_and_as_picture(make: Callable[[], Chest]) -> None:
    other = make()
    for image in (other.volume(), volume_of(other.hu[30:31], other.spacing)):
        assert gate(image).reasons[:1] == ("not-chest",)


@pytest.mark.parametrize("make", [make_abdomen, make_head])
def test_pictures_of_belly_and_head_are_rejected(make: Callable[[], Chest]) -> None:
    assert "not-chest" in gate(make().picture()).reasons


@pytest.mark.parametrize(
    "change",
    [
        lambda hu: hu + 1024,
        lambda hu: (hu + 1024) // 16,
        lambda hu: hu // 8,
        lambda hu: hu - 1000,
        lambda hu: hu * 4 + 4000,
        lambda hu: hu.clip(-160, 240),
    ],
    ids=["unscaled", "8-bit", "wrong slope", "shifted", "16-bit", "soft-tissue window"],
)
def test_numbers_that_are_no_hounsfield_units_are_rejected(
    change: Callable[
        [np.ndarray[tuple[int, ...], np.dtype[np.int16]]],
        np.ndarray[tuple[int, ...], np.dtype[np.int16]],
    ],
) -> None:
    chest = make_chest()
    wrong = change(chest.hu).astype(np.int16)
    assert gate(volume_of(wrong, chest.spacing)).verdict == "rejected"


def test_a_lung_window_clipped_into_the_numbers_is_still_a_chest() -> None:
    chest = make_chest()
    clipped = chest.hu.clip(-1350, 150)
    assert gate(volume_of(clipped, chest.spacing)).verdict == "accepted"


def test_a_screen_capture_is_a_picture_of_ct_and_an_mr_picture_is_not() -> None:
    plain = _square(make_chest(FINE))
    for modality, verdict in (("OT", "accepted"), ("MR", "rejected")):
        said = replace(plain.provenance.acquisition, modality=modality)
        assert gate(picture_of(plain.values, said)).verdict == verdict


@pytest.mark.parametrize("kind", ["normal", "covid", "pneumonia"])
def test_phantoms_pass(kind: str) -> None:
    volume = make_phantom(preset(kind, seed=3, num_slices=16, matrix=112)).volume
    report = gate(volume)
    assert report.verdict != "rejected"
    assert set(report.reasons) <= {"thick-slices", "contrast-unknown", "partial-coverage"}


def test_an_unknown_code_is_our_own_defect() -> None:
    with pytest.raises(BrokenPromise, match="no-such-code"):
        found("no-such-code", "It cannot be.")


def test_a_single_thick_slice_has_no_distance_to_speak_of() -> None:
    chest = make_chest()
    thick = replace(PLAIN, slice_thickness_mm=8.0)
    one = volume_of(chest.hu[20:21], chest.spacing, thick)
    (sentence,) = (f.sentence for f in gate(one).findings if f.code == "thick-slices")
    assert sentence.startswith("Slices are 8.0 mm thick; over")


def test_the_reference_page_is_made_from_the_rules() -> None:
    assert rules_page() in PAGE.read_text(encoding="utf-8")
