"""At the page, in a real browser, with the service and its worker as they really run."""

import json
import math
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.screened import NUM_SLICES, phantom
from tests.web.access import violations
from tests.web.browser import Visitor, chromium
from tests.web.house import House, house
from tests.web.seen import Grey, likeness, scan_place, stage
from tests.web.serving import dicom_study

from ctsieve.ops.window import apply_window
from ctsieve.types.volume import Window
from ctsieve.writers._colour import heat_colours

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]

LUNG, MEDIASTINUM = Window(centre=-600, width=1500), Window(centre=40, width=400)
SLICE = 10


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as found:
        yield found


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A folder of DICOM files."""
    dicom_study(tmp_path / "Ward 3")
    return tmp_path / "Ward 3"


def test_a_case_is_uploaded_read_contributed_disputed_and_released(
    service: House, browser: Browser, scan: Path, tmp_path: Path
) -> None:
    clinician = Visitor(browser, service.address)
    page = clinician.page
    page.goto("/")
    assert violations(page) == []
    clinician.sign_in("clara", service.add("clara", role="clinician", workspace="north"))
    study = clinician.upload(scan)
    clinician.see_scan()
    expect(page.get_by_role("heading", name="Ward 3")).to_be_visible()
    _the_scan_is_right(page, tmp_path)
    _quick_moves_come_to_rest(page)
    _the_curve_moves_the_scan(page)
    _questions_are_answered(page)
    _files_are_taken_away(page, scan, tmp_path)
    assert violations(page) == []
    page.get_by_role("link", name="Contribute a label").click()
    _contribute(page, "COVID-19")
    page.goto(f"/contribute/{study}")
    _contribute(page, "other pneumonia")
    page.goto("/")
    expect(page.locator("table.worklist tbody tr")).to_have_count(1)
    assert violations(page) == []
    clinician.leave()
    _review(service, browser, study)
    _decide(service, browser)
    _release(service, browser)


def _the_scan_is_right(page: Page, folder: Path) -> None:
    """The slice that is named, the patient's right on the left, heat where the network had it."""
    _go_to(page, SLICE)
    with_heat = stage(page)
    page.get_by_role("checkbox", name="Heat").uncheck()
    plain = stage(page)
    scan = scan_place(plain)
    hu = phantom().volume.hu[SLICE]
    expected, seen = apply_window(hu, LUNG), plain[scan].mean(axis=2)
    assert likeness(seen, expected) > 0.97
    assert likeness(seen, expected[:, ::-1]) < 0.95
    assert likeness(seen, expected[::-1]) < 0.9
    page.get_by_role("button", name="Mediastinum").click()
    soft = stage(page)[scan].mean(axis=2)
    assert likeness(soft, apply_window(hu, MEDIASTINUM)) > 0.95
    red_over_blue = with_heat[scan][..., 0] - with_heat[scan][..., 2]
    painted = _painted(_heat(page, folder))
    right = likeness(red_over_blue, painted)
    assert right > 0.9
    assert right > likeness(red_over_blue, painted[:, ::-1]) + 0.02
    assert right > likeness(red_over_blue, painted[::-1]) + 0.02


def _painted(heat: Grey) -> Grey:
    """How much redder than blue heat makes its place: the report's colours, its square as cover."""
    colours = heat_colours().astype(np.float64)[np.round(heat * 255).astype(np.uint8)]
    return np.asarray(heat**2 * (colours[..., 0] - colours[..., 2]))


def _heat(page: Page, folder: Path) -> Grey:
    """The heat of the slice, read by another program: (row from the front, column from the right).

    NiBabel's canonical axes run to the patient's right, the front and the head.
    """
    study = page.url.rsplit("/", 1)[-1]
    told = page.request.get(f"/api/v1/studies/{study}/artefacts/heat.nii.gz")
    (folder / "heat.nii.gz").write_bytes(told.body())
    found = nib.as_closest_canonical(nib.load(folder / "heat.nii.gz")).get_fdata()  # type: ignore[no-untyped-call]
    return np.asarray(found[::-1, ::-1, NUM_SLICES - 1 - SLICE].T)


def _go_to(page: Page, slice_index: int) -> None:
    page.get_by_label("Slice, from the head").fill(str(slice_index - 1))
    page.locator(".stage").press("ArrowDown")
    expect(page.locator(".readout")).to_contain_text(f"Slice {slice_index + 1} of {NUM_SLICES}")


def _quick_moves_come_to_rest(page: Page) -> None:
    """Two slices asked for in a breath once answered each other for ever, and nothing else ran."""
    for slice_index in (SLICE, SLICE - 4, SLICE, SLICE + 3, SLICE):
        _go_to(page, slice_index)


def _the_curve_moves_the_scan(page: Page) -> None:
    curve = page.locator("svg.curve")
    dots = curve.locator("circle.dot")
    place = dots.nth(dots.count() - 1)
    place.click(force=True)
    expect(page.locator(".readout")).not_to_contain_text(f"Slice {SLICE + 1} of")
    page.get_by_role("button", name="Show slice").first.click()
    expect(page.get_by_role("button", name="Show slice").first).to_have_attribute(
        "aria-pressed", "true"
    )


def _questions_are_answered(page: Page) -> None:
    value = page.locator(".pair-values div").filter(has_text="Negative").locator("dd").first
    before = value.inner_text()
    page.get_by_label("Prevalence").fill("190")
    expect(value).not_to_have_text(before)
    page.get_by_role("button", name="Leave out the top").click()
    page.get_by_role("button", name="Compute without them").click()
    expect(page.locator(".outcome")).to_contain_text("instead of")


def _files_are_taken_away(page: Page, scan: Path, folder: Path) -> None:
    with page.expect_download() as told:
        page.get_by_role("link", name="Every number, as JSON").click()
    told.value.save_as(folder / "screening.json")
    shape = json.loads((folder / "screening.json").read_text())["image"]["shape"]
    assert shape == list(phantom().volume.hu.shape)
    page.get_by_text("DICOM objects for the archive").click()
    with page.expect_download() as told:
        page.get_by_role("link", name="Structured report").click()
    told.value.save_as(folder / "report.dcm")
    name = pydicom.dcmread(next(scan.iterdir())).PatientName
    assert pydicom.dcmread(folder / "report.dcm").Modality == "SR"
    assert len(str(name)) > 3
    assert str(name).encode() not in (folder / "report.dcm").read_bytes()


def _contribute(page: Page, label: str) -> None:
    page.get_by_role("radio", name=label).check()
    page.get_by_role("checkbox", name="Ground-glass opacity").check()
    expect(page.locator(".paper canvas")).to_have_attribute("width", "128")
    box = page.locator(".paper svg").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    page.mouse.move(x + 30, y)
    page.mouse.down()
    for turn in range(13):
        angle = turn / 12 * 2 * math.pi
        page.mouse.move(x + 30 * math.cos(angle), y + 30 * math.sin(angle))
    page.mouse.up()
    expect(page.get_by_text("1 outline drawn")).to_be_visible()
    assert violations(page) == []
    send = page.get_by_role("button", name="Contribute", exact=True)
    expect(send).to_be_disabled()  # without consent nothing is sent
    page.get_by_role("checkbox", name="The patient, or the rules").check()
    send.click()
    expect(page.get_by_text("Thank you")).to_be_visible()


def _review(service: House, browser: Browser, study: str) -> None:
    """The newer case is agreed with, the older is not."""
    reviewer = Visitor(browser, service.address)
    reviewer.sign_in("rita", service.add("rita", role="reviewer", workspace="north"))
    page = reviewer.page
    # The answer is for afterwards: the page of the study has the scan and the way to the reading.
    page.goto(f"/studies/{study}")
    expect(page.get_by_role("heading", name="Not shown yet")).to_be_visible()
    expect(page.locator(".paper canvas")).to_have_attribute("width", "128")
    expect(page.locator("main")).not_to_contain_text("robability")
    assert violations(page) == []
    page.get_by_role("link", name="Go to Review").click()
    for number in (1, 2):
        page.get_by_role("button", name="Read it").first.click()
        expect(page.get_by_role("link", name=study[:8]).first).to_be_visible()
        expect(page.locator(".paper canvas")).to_have_attribute("width", "128")
        page.get_by_role("radio", name="other pneumonia").check()
        if number == 1:
            assert violations(page) == []
        page.get_by_role("button", name="Answer").click()
        expect(page.get_by_text(re.compile(rf"{number} cases? read twice"))).to_be_visible()
    for state in ("accepted", "disputed"):
        page.get_by_role("button", name=state).click()
        expect(page.locator(".plain-list tbody tr")).to_have_count(2)
    # Until a third reader decides, the own label is shown and the other is not.
    expect(page.locator(".plain-list tbody tr")).to_contain_text(["not shown yet", "other pneu"])
    expect(page.get_by_role("button", name="Read it")).to_have_count(0)
    assert violations(page) == []
    reviewer.leave()


def _decide(service: House, browser: Browser) -> None:
    """A third reader is shown neither label; hers, which is one of them, is the case's."""
    third = Visitor(browser, service.address)
    third.sign_in("thea", service.add("thea", role="reviewer", workspace="north"))
    page = third.page
    page.goto("/review")
    page.get_by_role("button", name="disputed").click()
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_text("Two readers disagree")).to_be_visible()
    expect(page.locator(".plain-list tbody")).to_have_count(0)
    page.get_by_role("radio", name="COVID-19").check()
    assert violations(page) == []
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("No case is disputed")).to_be_visible()
    page.get_by_role("button", name="accepted").click()
    expect(page.get_by_text("Accepted as COVID-19")).to_be_visible()
    expect(page.locator(".plain-list tbody tr")).to_have_count(5)
    third.leave()


def _release(service: House, browser: Browser) -> None:
    admin = Visitor(browser, service.address)
    admin.sign_in("ada", service.add("ada", role="admin", workspace="north"))
    page = admin.page
    page.goto("/review")
    page.get_by_role("button", name="Release all other accepted cases").click()
    expect(page.get_by_role("row").filter(has_text="Release 1")).to_contain_text("1 case of 1")
    with page.expect_download() as told:
        page.get_by_role("link", name="Download").click()
    with zipfile.ZipFile(told.value.path()) as archive:
        assert any(name.endswith(".dcm") for name in archive.namelist())
    assert violations(page) == []
    admin.leave()
