"""Hop 2: pure, re-entrant, and its evidence lies where the image is."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.screened import phantom, phantom_picture, screener

from ctsieve.pipeline.screen import Screener
from ctsieve.types.geometry import Geometry
from ctsieve.types.provenance import Acquisition, Provenance
from ctsieve.types.results import NOTICE, Screening
from ctsieve.types.volume import CTVolume


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Screener:
    return screener(tmp_path_factory.mktemp("bundle"))


def same(one: Screening, other: Screening) -> bool:
    assert one.slices is not None
    assert other.slices is not None
    assert one.explanation is not None
    assert other.explanation is not None
    return (
        one.prediction == other.prediction
        and one.gate.reasons == other.gate.reasons
        and one.lesions == other.lesions
        and bool((one.slices.logit == other.slices.logit).all())
        and bool((one.explanation.heat == other.explanation.heat).all())
    )


def test_a_chest_is_judged_with_all_its_evidence(tiny: Screener) -> None:
    image = phantom().volume
    screening = tiny.screen(image)
    assert screening.gate.verdict != "rejected"
    assert screening.prediction.level == "scan"
    assert 0.0 <= screening.prediction.probability["covid19"] <= 1.0
    assert screening.prediction.abstained is None
    assert screening.slices is not None
    assert screening.slices.weight.sum() == pytest.approx(1.0, abs=1e-5)
    assert len(screening.top_slices) == 4
    assert set(screening.top_slices) <= set(screening.slices.index.tolist())
    assert screening.explanation is not None
    assert screening.explanation.heat.shape == image.hu.shape
    assert float(screening.explanation.heat.max()) == pytest.approx(1.0, abs=0.05)
    assert screening.lungs is not None
    assert screening.lungs.shape == image.hu.shape
    assert screening.involvement is not None
    assert 0.0 <= screening.involvement.percent <= 100.0
    assert [f.kind for f in screening.lesions] == ["ggo", "consolidation"]
    assert screening.notice == NOTICE


def test_only_slices_with_lungs_are_judged(tiny: Screener) -> None:
    screening = tiny.screen(phantom().volume)
    assert screening.slices is not None
    with_lungs = np.flatnonzero(phantom().lungs.any(axis=(1, 2)))
    assert set(screening.slices.index.tolist()) <= set(with_lungs.tolist())


def test_screening_twice_and_in_threads_gives_the_same(tiny: Screener) -> None:
    image = phantom().volume
    first = tiny.screen(image)
    with ThreadPoolExecutor(4) as pool:
        others = list(pool.map(tiny.screen, [image] * 4))
    assert all(same(first, other) for other in others)
    assert len({s.id for s in (first, *others)}) == 1


def test_a_picture_is_answered_at_picture_level(tiny: Screener) -> None:
    screening = tiny.screen(phantom_picture())
    assert screening.prediction.level == "picture"
    assert screening.lungs is None
    assert screening.involvement is None
    assert screening.top_slices == (0,)


def test_a_rejected_image_gets_reasons_and_no_number(tiny: Screener) -> None:
    rows, columns = np.mgrid[:96, :96]
    ball = np.where((rows - 48) ** 2 + (columns - 48) ** 2 < 30**2, 40, -1000).astype(np.int16)
    head = CTVolume(
        hu=np.repeat(ball[None], 20, axis=0),
        geometry=Geometry.from_spacing((20, 96, 96), spacing=(5.0, 2.0, 2.0), frame="1.2"),
        provenance=Provenance(
            reader="test",
            reader_version="0",
            digest="0" * 64,
            slices=(None,) * 20,
            acquisition=Acquisition(modality="CT"),
        ),
    )
    screening = tiny.screen(head)
    assert screening.gate.verdict == "rejected"
    assert "not-chest" in screening.gate.reasons
    assert screening.prediction.probability == {}
    assert screening.prediction.abstained is not None
    assert screening.slices is None
    assert screening.top_slices == ()


def test_progress_counts_slices_up_to_all(tiny: Screener) -> None:
    seen: list[tuple[int, int]] = []
    screening = tiny.screen(phantom().volume, progress=lambda d, n: seen.append((d, n)))
    assert screening.slices is not None
    assert seen[-1] == (screening.slices.index.size, screening.slices.index.size)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)


def test_the_image_is_left_as_it_was(tiny: Screener) -> None:
    image = phantom().volume
    before = image.hu.copy()
    tiny.screen(image)
    assert (image.hu == before).all()


def test_threads_do_not_change_the_answer(tmp_path: Path) -> None:
    one = screener(tmp_path)
    two = Screener.load(one.bundle.folder, threads=2)
    assert same(one.screen(phantom().volume), two.screen(phantom().volume))
