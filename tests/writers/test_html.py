"""The report is one closed page that says and shows what the screening holds."""

import base64
import hashlib
import re
from dataclasses import replace

import numpy as np
import pytest
from tests.writers.page import Page, pixels
from tests.writers.parts import HEADER_TEXT, SERIES_UID, STUDY_UID, provenance_of, slice_scores
from tests.writers.screenings import (
    EVERY,
    bare,
    negative,
    picture,
    rejected,
    scan,
    stack,
    three_labels,
    tiny,
)

from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTVolume
from ctsieve.writers.html import to_html

LOADS = ("src", "href", "srcset", "data", "action", "poster", "background")

pages = pytest.mark.parametrize("kind", EVERY)


def page_of(screening: Screening) -> Page:
    return Page(to_html(screening))


@pages
def test_nothing_is_fetched(kind: str) -> None:
    page = page_of(EVERY[kind]())
    targets = [e.get(name) for e in page.elements for name in LOADS if e.get(name)]
    assert all(target.startswith(("data:image/", "#")) for target in targets)
    assert {e.tag for e in page.elements}.isdisjoint({"link", "iframe", "object", "embed", "base"})
    assert "url(" not in page.all("style")[0].text
    assert "@import" not in page.all("style")[0].text
    assert "//" not in re.sub(r"^\s*//.*$", "", page.all("script")[0].text, flags=re.MULTILINE)


@pages
def test_the_policy_allows_this_style_and_script_and_no_other(kind: str) -> None:
    page = page_of(EVERY[kind]())
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0].get("content")
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        (element,) = page.all(tag)
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for element in page.elements:
        assert not [name for name in element.attributes if name == "style" or name[:2] == "on"]


@pages
def test_every_picture_is_described_and_every_reference_leads_somewhere(kind: str) -> None:
    page = page_of(EVERY[kind]())
    ids = [e.get("id") for e in page.elements if e.get("id")]
    assert len(ids) == len(set(ids))
    for element in page.all("svg", role="img"):
        assert element.get("aria-label") or element.get("aria-labelledby") in ids
    for element in page.elements:
        for name in ("href", "for", "aria-labelledby"):
            value = element.get(name).removeprefix("#")
            assert not value or value.startswith("data:") or value in ids
    assert len(page.all("h1")) == 1


@pages
def test_the_notice_stands_at_top_and_bottom(kind: str) -> None:
    screening = EVERY[kind]()
    text = to_html(screening)
    assert text.index(screening.notice) < text.index("<main>")
    assert text.rindex(screening.notice) > text.index("</main>")


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("scan", "Above threshold for COVID-19"),
        ("negative", "Below threshold for COVID-19"),
        ("three-labels", "Above threshold for other pneumonia"),
        ("abstained", "No call: probability 0.52 lies in the uncertain band 0.45 to 0.60"),
        ("rejected", "Not judged"),
        ("picture", "Above threshold for COVID-19"),
    ],
)
def test_the_call_comes_first_and_in_words(kind: str, title: str) -> None:
    page = page_of(EVERY[kind]())
    assert page.all("h1")[0].text == title
    assert page.all("title")[0].text.startswith(title)


def test_below_both_diseases_names_both() -> None:
    screening = three_labels()
    none = {"covid19": 0.2, "other_pneumonia": 0.2, "neither": 0.6}
    screening = replace(screening, prediction=replace(screening.prediction, probability=none))
    title = page_of(screening).all("h1")[0].text
    assert title == "Below threshold for COVID-19 and other pneumonia"


def test_the_gauge_is_as_long_as_the_probability() -> None:
    page = page_of(scan())
    assert page.all("rect", class_="fill")[0].get("width") == "93.400%"
    assert page.all("line", class_="limit")[0].get("x1") == "55.000%"
    assert "93.4" in page.all("svg", class_="gauge")[0].get("aria-label")


def test_just_below_is_not_printed_as_equal() -> None:
    assert "54.996" in page_of(negative()).words


def test_a_rejected_image_shows_reasons_and_no_score() -> None:
    page = page_of(rejected())
    assert "There are no lungs." in page.words
    assert not page.all("svg", class_="gauge")
    assert page.words.index("There are no lungs.") < page.words.index("Contrast")
    assert page.all("figure", id="front"), "what there was to be judged is shown"


def test_an_uncalibrated_score_is_called_one() -> None:
    words = page_of(three_labels()).words
    assert "Not calibrated" in words
    assert "Score (not calibrated) of other pneumonia" in words


@pages
def test_header_text_is_text(kind: str) -> None:
    screening = EVERY[kind]()
    text = to_html(screening)
    assert HEADER_TEXT not in text
    assert text.count("<script>") == 1
    assert HEADER_TEXT in Page(text).words


@pages
def test_no_uid_is_printed(kind: str) -> None:
    text = to_html(EVERY[kind]())
    assert STUDY_UID not in text
    assert SERIES_UID not in text


def test_top_slices_are_shown_in_the_order_they_decided() -> None:
    screening = scan()
    figures = page_of(screening).all("figure")
    assert [f.get("id") for f in figures] == [f"slice-{i + 1}" for i in screening.top_slices]


def test_the_peak_is_printed_unscaled() -> None:
    assert "unscaled peak 3.25" in page_of(scan()).words
    assert "unscaled peak 0.02" in page_of(stack()).words


def test_without_a_map_nothing_speaks_of_heat() -> None:
    page = page_of(bare())
    assert not page.all("image", class_="heat")
    assert "unscaled peak" not in page.words


def test_every_judged_slice_has_its_dot() -> None:
    screening = scan()
    assert screening.slices is not None
    page = page_of(screening)
    dots = page.all("circle", class_="counts") + page.all("circle", class_="rest")
    assert len(dots) == screening.slices.index.size
    assert len(page.all("circle", class_="ring")) == screening.recipe.num_top_slices


def test_words_above_and_beside_the_curve_keep_apart() -> None:
    """Whatever the threshold, its words must not run into "head" or a slice number into that."""
    texts = page_of(scan()).all("text")
    head = float(next(e for e in texts if e.text == "head").get("y"))
    limit = next(e for e in texts if e.text.startswith("slice threshold"))
    assert head - float(limit.get("y")) >= 14.0
    numbers = [float(e.get("y")) for e in page_of(scan()).all("text", class_="number")]
    assert min(numbers) - head >= 10.0


def test_a_picture_has_neither_sides_nor_a_scale() -> None:
    page = page_of(picture())
    assert {"R", "L", "A", "P"}.isdisjoint(e.text for e in page.all("text"))
    assert not page.all("path", class_="bar")
    assert "not known" in page.words


def test_a_slice_has_sides_and_a_scale_in_true_millimetres() -> None:
    screening = scan()
    page = page_of(screening)
    assert {"R", "L", "A", "P"} <= {e.text for e in page.all("text")}
    bar = re.search(r"h([\d.]+)v", page.all("path", class_="bar")[0].get("d"))
    shown = next(e.text for e in page.all("text") if e.text.endswith(" mm"))
    assert bar is not None
    width = pixels(page.all("image", id=f"slice-{screening.top_slices[0] + 1}-grey")[0].get("href"))
    millimetres = float(bar[1]) / width.shape[1] * screening.image.geometry.shape[2]
    millimetres *= screening.image.geometry.spacing[2]
    assert millimetres == pytest.approx(float(shown.removesuffix(" mm")), rel=0.02)


def test_the_patients_right_is_on_the_left_and_heat_lies_on_its_voxel() -> None:
    grid = Geometry.from_spacing((9, 40, 60), spacing=(5.0, 1.0, 1.0), frame="1.2.3")
    screening = tiny(grid, (4, 8, 50))
    hu = np.full(grid.shape, -1000, dtype=np.int16)
    hu[4, 30:34, 4:8] = 500
    image = CTVolume(hu=hu, geometry=grid, provenance=provenance_of(0))
    scores = slice_scores(np.arange(9), 1)
    page = page_of(replace(screening, image=image, lungs=None, slices=scores))
    grey = pixels(page.all("image", id="slice-5-grey")[0].get("href"))
    rows, columns = np.nonzero(grey > 200)
    assert (rows.mean(), columns.mean()) == pytest.approx((31.5, 5.5), abs=0.5)
    heat = pixels(page.all("image", class_="heat")[0].get("href"))
    rows, columns = np.nonzero(heat[..., 3])
    scale = grid.shape[1] / heat.shape[0]
    assert ((rows.mean() + 0.5) * scale, (columns.mean() + 0.5) * scale) == pytest.approx(
        (8.5, 50.5), abs=1.5
    )


def test_the_view_from_the_front_has_true_proportions_and_the_head_up() -> None:
    grid = Geometry.from_spacing((30, 20, 80), spacing=(6.0, 2.0, 2.0), frame="1.2.3")
    page = page_of(tiny(grid, (3, 10, 70)))
    layers = [e for e in page.all("image", class_="heat") if "." in e.get("width")]
    heat = pixels(layers[0].get("href"))
    assert heat.shape[1] / heat.shape[0] == pytest.approx(160 / 180, rel=0.02)
    rows, columns = np.nonzero(heat[..., 3])
    assert (rows.mean() + 0.5) / heat.shape[0] == pytest.approx(3.5 / 30, abs=0.02)
    assert (columns.mean() + 0.5) / heat.shape[1] == pytest.approx(70.5 / 80, abs=0.02)
    shown = float(layers[0].get("width")) / float(layers[0].get("height"))
    assert shown == pytest.approx(160 / 180, rel=0.02)


def test_heat_below_the_faintest_is_not_painted() -> None:
    screening = picture()
    assert screening.explanation is not None
    heat = np.full(screening.image.geometry.shape, 0.09, dtype=np.float16)
    faint = replace(screening.explanation, heat=heat)
    layer = page_of(replace(screening, explanation=faint)).all("image", class_="heat")[0]
    assert not pixels(layer.get("href"))[..., 3].any()


def test_a_large_study_stays_small() -> None:
    whole = scan()
    assert whole.explanation is not None
    grid = Geometry.from_spacing((300, 512, 512), spacing=(1.0, 0.7, 0.7), frame="1.2.3")
    noise = np.random.default_rng(0).integers(-1000, 200, (512, 512), dtype=np.int16)
    hu = np.broadcast_to(noise, grid.shape)
    heat = np.broadcast_to(np.float16(0.5), grid.shape)
    large = replace(
        whole,
        image=CTVolume(hu=hu, geometry=grid, provenance=provenance_of(300)),
        explanation=replace(whole.explanation, heat=heat, geometry=grid),
        lungs=None,
        slices=slice_scores(np.arange(300), 1),
    )
    assert len(to_html(large).encode()) < 4_000_000


COLOURS = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")
TEXT_ON = [
    ("ink", "page"),
    ("ink", "surface"),
    ("quiet", "page"),
    ("quiet", "surface"),
    ("accent", "surface"),
    ("positive", "surface"),
    ("negative", "surface"),
    ("none", "surface"),
    ("warn-ink", "warn-page"),
    ("stop-ink", "stop-page"),
    ("stop-ink", "surface"),
]


def luminance(colour: str) -> float:
    """WCAG 2.2 relative luminance."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_wcag_aa_asks_for(scheme: str) -> None:
    style = page_of(scan()).all("style")[0].text
    light, rest = style.split("@media (prefers-color-scheme: dark)")
    colours = dict(COLOURS.findall(light))
    if scheme == "dark":
        colours |= dict(COLOURS.findall(rest[: rest.index("* {")]))
    for ink, ground in TEXT_ON:
        bright, dim = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, (ink, ground)
