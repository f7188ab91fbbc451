"""Images that are too small, too flat, too empty or too many still become files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.writers.dicom_results import as_if_read
from tests.writers.page import Page, pixels
from tests.writers.parts import provenance_of, slice_scores
from tests.writers.screenings import picture, rejected, scan, tiny

from ctsieve.pipeline.names import FORMATS
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTPicture
from ctsieve.writers import html, json

NAMES = FORMATS.names()


def flat(shape: tuple[int, int, int]) -> Screening:
    """A volume of one density with one hot voxel, no lungs known."""
    grid = Geometry.from_spacing(shape, spacing=(5.0, 0.7, 0.7), frame="1.2.3")
    return replace(tiny(grid, (0, 0, 0)), lungs=np.zeros(shape, dtype=bool))


def large_picture(rows: int, columns: int) -> Screening:
    """A picture of that many pixels without a map."""
    values = np.full((1, rows, columns), 0.5, dtype=np.float32)
    image = CTPicture(
        values=values,
        geometry=Geometry.of_picture(values.shape, "f" * 64),
        provenance=provenance_of(1),
    )
    return replace(picture(), image=image, explanation=None)


def unjudged() -> Screening:
    """A rejected volume whose few lungs are known, and with an empty score table."""
    lungs = np.zeros(scan().image.geometry.shape, dtype=bool)
    lungs[10:14, 60, 60] = True
    lungs[10:14, 64, 64] = True
    return replace(rejected(), lungs=lungs, slices=slice_scores(np.arange(1)[:0], 1))


ODD: dict[str, Callable[[], Screening]] = {
    "one slice": lambda: flat((1, 64, 64)),
    "two slices": lambda: flat((2, 64, 64)),
    "one voxel": lambda: flat((1, 1, 1)),
    "a needle": lambda: flat((40, 3, 200)),
    "a tiny picture": lambda: large_picture(1, 1),
    "a wide picture": lambda: large_picture(40, 1600),
    "a large picture": lambda: large_picture(2400, 1800),
    "no slice judged": unjudged,
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n in NAMES for k in ODD if FORMATS[n].pictures or "picture" not in k],
)
def test_every_odd_image_is_written(name: str, kind: str, tmp_path: Path) -> None:
    odd = as_if_read(ODD[kind]()) if FORMATS[name].dicom else ODD[kind]()
    paths = FORMATS[name].write(odd, tmp_path)
    assert all(path.stat().st_size for path in paths)


def test_a_single_slice_has_no_view_from_the_front() -> None:
    page = Page(html.to_html(replace(ODD["one slice"](), slices=None)))
    assert [figure.get("id") for figure in page.all("figure")] == ["slice-1"]
    assert "The only slice" in page.words


def test_only_slices_that_show_lungs_are_leafed_through() -> None:
    page = Page(html.to_html(unjudged()))
    assert [e.text for e in page.all("span") if e.text.isdigit()] == ["11", "12", "13", "14"]


def test_a_large_picture_is_shown_small_in_its_own_proportions() -> None:
    page = Page(html.to_html(ODD["a large picture"]()))
    shown = pixels(page.all("image", id="slice-1-grey")[0].get("href"))
    assert shown.shape == (480, 360)


def test_a_missing_uid_is_null() -> None:
    screening = ODD["a tiny picture"]()
    unknown = replace(provenance_of(0), study_uid="", series_uid="")
    screening = replace(screening, image=replace(screening.image, provenance=unknown))
    provenance = json.screening_to_dict(screening)["provenance"]
    assert isinstance(provenance, dict)
    assert provenance["study_uid"] is None
    assert provenance["sources"] == []
