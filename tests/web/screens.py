"""Pictures of every page, light and dark, wide and narrow, from a service that really runs.

    python -m tests.web.screens --out out/screens [--study FOLDER] [--only NAME ...]

The studies are phantoms; `--study` shows a scan of your own instead of the first of them.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect
from tests.web.browser import Visitor, chromium
from tests.web.house import House, house
from tests.web.serving import PASSWORD

from ctsieve.ops.window import apply_window
from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.phantoms.presets import preset

THEMES = ("light", "dark")
WIDTHS = (1280, 390)
SETTLE_MS = 1500
"""For pictures that come in late, and for the viewer's next frame."""


class Camera:
    """Takes a page in both themes at both widths."""

    def __init__(self, out: Path, only: list[str]) -> None:
        self.out, self.only = out, only
        out.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str) -> None:
        """Write `NAME-THEME-WIDTH.png`, the whole page."""
        if self.only and name not in self.only:
            return
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            for theme in THEMES:
                page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                page.wait_for_timeout(SETTLE_MS)
                page.screenshot(path=self.out / f"{name}-{theme}-{width}.png", full_page=True)
        page.set_viewport_size({"width": WIDTHS[0], "height": 800})
        page.emulate_media(color_scheme="light")
        sys.stderr.write(f"{name}\n")


@contextmanager
def visitor(browser: Browser, service: House, name: str, role: str) -> Iterator[Visitor]:
    """Somebody new in the workspace that is shown."""
    found = Visitor(browser, service.address)
    found.sign_in(name, service.add(name, role=role, workspace="radiology"))
    yield found
    found.page.context.close()


def samples(folder: Path, own: Path | None) -> dict[str, Path]:
    """Folders of DICOM files and one of pictures, among them one that is no chest."""
    found = {}
    for kind in ("covid", "normal", "pneumonia"):
        made = make_phantom(preset(kind, seed=4, num_slices=36, matrix=256))
        found[kind] = folder / f"Phantom {kind}"
        save_dicom(made.volume, found[kind])
        if kind == "covid":
            grey = (apply_window(made.volume.hu) * 255).astype("uint8")
    found["pictures"] = folder / "pictures"
    found["pictures"].mkdir()
    for index in (10, 15, 20, 25):
        Image.fromarray(grey[index]).save(found["pictures"] / f"figure {index}.png")
    Image.linear_gradient("L").save(found["pictures"] / "logo.png")
    if own is not None:
        found["covid"] = own
    return found


def shoot(browser: Browser, service: House, folders: dict[str, Path], camera: Camera) -> None:
    """Walk through every page as the people do who need it."""
    nobody = Visitor(browser, service.address)
    nobody.page.goto("/")
    expect(nobody.page.get_by_role("heading", name="Sign in")).to_be_visible()
    camera.take(nobody.page, "sign-in")
    with visitor(browser, service, "clara", "clinician") as clara:
        expect(clara.page.get_by_text("No studies yet")).to_be_visible()
        camera.take(clara.page, "worklist-empty")
        _uploads(clara, folders, camera)
        study = _studies(clara, camera)
        _contributions(clara, study, camera)
    with visitor(browser, service, "rita", "reviewer") as rita:
        _reviews(rita.page, study, camera)
    with visitor(browser, service, "thea", "reviewer") as thea:
        _third_reader(thea.page, camera)
    _administration(browser, service, camera)


def _uploads(clara: Visitor, folders: dict[str, Path], camera: Camera) -> None:
    page = clara.page
    page.get_by_role("link", name="Upload", exact=True).click()
    clara.choose("Choose files", sorted(folders["pictures"].iterdir()))
    expect(page.get_by_text("Judge each by itself")).to_be_visible()
    camera.take(page, "upload-asks")
    page.get_by_role("button", name="Judge each by itself").click()
    for kind in ("pneumonia", "normal", "covid"):
        clara.choose("Choose a folder", folders[kind])
    expect(page.get_by_role("link", name="Open the study")).to_have_count(3)
    camera.take(page, "upload")
    page.get_by_role("link", name="See the batch").click()
    expect(page.locator("progress")).to_have_count(0)
    camera.take(page, "batch")
    page.locator("table.batch a").first.click()
    expect(page.locator("#answer")).to_be_visible()
    camera.take(page, "picture")
    page.get_by_role("link", name="Contribute a label").click()
    page.get_by_role("button", name="Show it enlarged").click()
    camera.take(page, "contribute-enlarged")
    page.get_by_role("button", name="Close").click()
    camera.take(page, "contribute-picture")
    page.go_back()
    page.go_back()
    page.locator("tr").filter(has_text="Not judged").get_by_role("link").click()
    expect(page.locator("#answer")).to_be_visible()
    camera.take(page, "not-judged")


def _studies(clara: Visitor, camera: Camera) -> str:
    page = clara.page
    page.get_by_role("link", name="Worklist", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(8)
    expect(page.locator(".under-way")).to_have_count(0)
    camera.take(page, "worklist")
    page.locator("tbody a").first.click()
    clara.see_scan()
    camera.take(page, "study")
    page.get_by_role("button", name="Leave out the top").click()
    page.get_by_role("button", name="Compute without them").click()
    page.get_by_text("DICOM objects for the archive").click()
    page.get_by_role("button", name="Three planes").click()
    camera.take(page, "study-planes")
    page.get_by_role("button", name="3D").click()
    camera.take(page, "study-3d")
    return page.url.rsplit("/", 1)[-1]


def _contributions(clara: Visitor, study: str, camera: Camera) -> None:
    page = clara.page
    for number, label in enumerate(("COVID-19", "other pneumonia")):
        page.goto(f"/contribute/{study}")
        page.get_by_role("radio", name=label).check()
        page.get_by_role("checkbox", name="Ground-glass opacity").check()
        expect(page.locator(".paper canvas")).to_have_attribute("width", re.compile(r"\d{3}"))
        if number == 0:
            page.get_by_label("Comment").fill("Peripheral, both lower lobes.")
            camera.take(page, "contribute")
        page.get_by_role("checkbox", name="The patient, or the rules").check()
        page.get_by_role("button", name="Contribute", exact=True).click()
        expect(page.get_by_text("Thank you")).to_be_visible()
    camera.take(page, "contributed")


def _reviews(page: Page, study: str, camera: Camera) -> None:
    page.goto(f"/studies/{study}")
    expect(page.get_by_role("heading", name="Not shown yet")).to_be_visible()
    camera.take(page, "study-withheld")
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("button", name="Read it").first.click()
    page.get_by_role("radio", name="neither").check()
    camera.take(page, "review")
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("read twice.")).to_be_visible()
    page.get_by_role("button", name="disputed").click()
    expect(page.locator("table.stacking")).to_be_visible()
    camera.take(page, "review-disputed")
    page.get_by_role("button", name="accepted").click()
    camera.take(page, "review-none")


def _third_reader(page: Page, camera: Camera) -> None:
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("button", name="disputed").click()
    page.get_by_role("button", name="Read it").first.click()
    page.get_by_role("radio", name="other pneumonia").check()
    camera.take(page, "review-third")
    page.get_by_role("button", name="Answer").click()
    page.get_by_role("button", name="accepted").click()
    expect(page.get_by_text("Accepted as")).to_be_visible()
    camera.take(page, "review-decided")


def _administration(browser: Browser, service: House, camera: Camera) -> None:
    admin = Visitor(browser, service.address)
    admin.sign_in("admin", PASSWORD)
    page = admin.page
    shown: dict[str, Callable[[], object]] = {
        "models": lambda: expect(page.locator(".model-card h1").first).to_be_visible(),
        "help": lambda: expect(page.get_by_role("heading", name="Keys")).to_be_visible(),
        "admin": lambda: expect(page.get_by_text("The chain is unbroken")).to_be_visible(),
    }
    for name, wait in shown.items():
        page.goto(f"/{name}")
        wait()
        if name == "admin":
            page.get_by_role("button", name="New API key of clara").click()
            expect(page.locator(".secret")).to_be_visible()
        camera.take(page, name)


def main() -> None:
    """Start a service, walk, write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/screens"))
    parser.add_argument("--study", type=Path, help="a folder of DICOM files to show")
    parser.add_argument("--only", nargs="*", default=[], help="names of pictures to write")
    asked = parser.parse_args()
    camera = Camera(asked.out, asked.only)
    with tempfile.TemporaryDirectory() as folder:
        folders = samples(Path(folder), asked.study)
        with chromium() as browser, house(Path(folder) / "house") as service:
            shoot(browser, service, folders, camera)


if __name__ == "__main__":
    main()
