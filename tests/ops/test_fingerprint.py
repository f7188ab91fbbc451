"""A fingerprint survives what happens to a figure on its way from paper to paper."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from tests.collection import DATA, needs_data

from ctsieve.datasets import DATASETS
from ctsieve.ops.fingerprint import ALIKE, TURNS, alike, fingerprint, variants
from ctsieve.readers import read_study

Floats = npt.NDArray[np.float32]

MOVES = {
    "as it is": lambda a: a,
    "mirrored left to right": lambda a: a[:, ::-1],
    "mirrored top to bottom": lambda a: a[::-1],
    "turned by 180 degrees": lambda a: np.rot90(a, 2),
    "mirrored along the main diagonal": lambda a: a.T,
    "turned by 90 degrees": lambda a: np.rot90(a, 1),
    "turned by 270 degrees": lambda a: np.rot90(a, 3),
    "mirrored along the other diagonal": lambda a: np.rot90(a, 2).T,
}


def blobs(seed: int, shape: tuple[int, int] = (80, 96)) -> Floats:
    """A picture of random ellipses."""
    random = np.random.default_rng(seed)
    row, column = np.mgrid[: shape[0], : shape[1]]
    values = np.full(shape, 0.2)
    for _ in range(12):
        r, c, a, b = random.uniform((0, 0, 4, 4), (*shape, 25, 25))
        values += random.uniform(-0.4, 0.6) * (((row - r) / a) ** 2 + ((column - c) / b) ** 2 < 1)
    clipped: Floats = np.clip(values, 0, 1).astype(np.float32)
    return clipped


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from(TURNS))
def test_a_turned_picture_is_found_and_its_turn_named(seed: int, turn: str) -> None:
    one = blobs(seed)
    other = np.ascontiguousarray(MOVES[turn](one))
    # `other` becomes `one` again by the inverse move: quarter turns go the other way round.
    back = {"turned by 90 degrees": "turned by 270 degrees"}
    back |= {name: turned for turned, name in back.items()}
    (pair,) = alike(np.stack([fingerprint(one), fingerprint(other)]))
    assert pair.likeness == pytest.approx(1.0, abs=0.02)
    assert TURNS[pair.turn] == back.get(turn, turn)


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6))
def test_eight_variants_are_those_of_the_turned_pictures(seed: int) -> None:
    picture = blobs(seed, (64, 64))
    made = variants(fingerprint(picture)[None])[:, 0]
    for turn, variant in zip(TURNS, made, strict=True):
        wanted = fingerprint(np.ascontiguousarray(MOVES[turn](picture)))
        np.testing.assert_allclose(variant, wanted, atol=1e-4)


def test_other_pictures_and_flat_ones_resemble_nothing() -> None:
    prints = np.stack([fingerprint(blobs(seed)) for seed in range(15)])
    assert alike(prints) == []
    flat = fingerprint(np.full((30, 30), 0.5, np.float32))
    assert not flat.any()
    assert alike(np.stack([flat, flat])) == []


def test_pairs_do_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = np.stack([fingerprint(blobs(seed % 4)) for seed in range(9)])
    whole = alike(prints)
    monkeypatch.setattr("ctsieve.ops.fingerprint.BLOCK", 3)
    wanted = {(i, j) for i in range(9) for j in range(i + 1, 9) if i % 4 == j % 4}
    assert {pair[:2] for pair in alike(prints)} == {pair[:2] for pair in whole} == wanted


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("L")


def _marked(image: Image.Image) -> Image.Image:
    image = image.copy()
    draw = ImageDraw.Draw(image)
    width, height = image.size
    draw.rectangle((5, 5, width // 8, height // 8), fill=255)
    draw.line((width // 2, height // 2, width * 2 // 3, height * 3 // 5), fill=255, width=2)
    return image


@needs_data
def test_recall_and_false_alarms_on_real_pictures() -> None:
    """The numbers of docs/concepts/data-audit.md, on every twelfth picture of COVID-CT."""
    cases = list(DATASETS["covid-ct"].walk(DATA))[::12]
    images = [read_study(case.files[0]) for case in cases]
    values = [np.asarray(image.values[0]) for image in images]  # type: ignore[union-attr]
    plain = np.stack([fingerprint(value) for value in values])
    copies = []
    for number, value in enumerate(values):
        image = Image.fromarray(np.rint(value * 255).astype(np.uint8))
        small = image.resize((round(image.width * 0.6), round(image.height * 0.6)))
        copy = _marked(_jpeg(small, 50))
        turned = np.ascontiguousarray(list(MOVES.values())[number % 8](np.asarray(copy)))
        copies.append(fingerprint(turned.astype(np.float32) / np.float32(255)))
    likeness = np.max(variants(plain) @ np.stack(copies).T, axis=0)
    assert np.diag(likeness).min() >= ALIKE
    same = np.array([[a.patient == b.patient for b in cases] for a in cases])
    assert likeness[~same].max() < ALIKE
