"""Who may see what at the page: workspaces, roles, locks; in a real browser."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from tests.tiny_bundle import make_tiny_bundle
from tests.web.access import violations
from tests.web.browser import Visitor, chromium
from tests.web.house import House, house
from tests.web.serving import PASSWORD

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    bundle = make_tiny_bundle(folder / "bundle").folder
    with house(folder, bundle=str(bundle)) as found:
        yield found


CROSSINGS = (
    ("GET", "studies/{study}"),
    ("GET", "studies/{study}/artefacts/report.html"),
    ("GET", "studies/{study}/artefacts/image.nii.gz"),
    ("GET", "batches/{batch}"),
    ("GET", "batches/{batch}.csv"),
    ("POST", "studies/{study}/without"),
    ("DELETE", "studies/{study}"),
)


def test_two_workspaces_cannot_see_each_other(
    service: House, browser: Browser, tmp_path: Path
) -> None:
    nora = Visitor(browser, service.address)
    nora.sign_in("nora", service.add("nora", role="clinician", workspace="east"))
    stranger = Visitor(browser, service.address)
    stranger.sign_in("sven", service.add("sven", role="admin", workspace="west"))
    expect(stranger.page.get_by_text("live", exact=True)).to_be_visible()
    pictures = [_picture(tmp_path / f"lung {n}.png", grey=90 + n) for n in (9, 10)]
    nora.page.goto("/upload")
    nora.choose("Choose files", pictures)
    nora.page.get_by_role("button", name="Judge each by itself").click()
    nora.page.get_by_role("link", name="See the batch").click()
    rows = nora.page.locator("table.batch tbody tr")
    expect(rows).to_have_count(2)
    batch = nora.page.url.rsplit("/", 1)[-1]
    expect(rows.nth(0)).to_contain_text("lung 9.png")
    expect(nora.page.locator("progress")).to_have_count(0)  # all judged, told by the service
    with nora.page.expect_download() as told:
        nora.page.get_by_role("button", name="Table as CSV").click()
    told.value.save_as(tmp_path / "batch.csv")
    assert [line.split(",")[0] for line in (tmp_path / "batch.csv").read_text().splitlines()] == [
        "file", '"lung 9.png"', '"lung 10.png"',
    ]  # fmt: skip
    assert violations(nora.page) == []
    rows.nth(0).get_by_role("link").click()
    nora.page.wait_for_url("**/studies/*")
    study = nora.page.url.rsplit("/", 1)[-1]
    # The stranger's list was live all the while.
    expect(stranger.page.get_by_text("No studies yet")).to_be_visible()
    assert stranger.troubles == []
    crossed = [
        _status(stranger, method, path.format(study=study, batch=batch))
        for method, path in CROSSINGS
    ]
    assert crossed == [404] * len(CROSSINGS)
    stranger.page.goto(f"/studies/{study}")
    expect(stranger.page.get_by_text("There is no such study")).to_be_visible()
    nora.leave()


def _status(visitor: Visitor, method: str, path: str) -> int:
    """What the service answers to the page itself, with its cookie and its token."""
    script = """async ([method, path]) => {
        const {csrf} = await (await fetch("/api/v1/session")).json();
        const headers = {"X-CSRF-Token": csrf, "Content-Type": "application/json"};
        const body = method === "POST" ? JSON.stringify({slices: []}) : undefined;
        return (await fetch("/api/v1/" + path, {method, headers, body})).status;
    }"""
    return int(visitor.page.evaluate(script, [method, path]))


def _picture(path: Path, *, grey: int) -> Path:
    with io.BytesIO() as buffer:
        Image.linear_gradient("L").point(lambda value: value * grey // 255).save(buffer, "PNG")
        path.write_bytes(buffer.getvalue())
    return path


def test_an_admin_makes_and_locks_accounts(service: House, browser: Browser) -> None:
    admin = Visitor(browser, service.address)
    admin.sign_in("admin", PASSWORD)
    page = admin.page
    page.get_by_role("link", name="Admin").click()
    page.get_by_label("New user", exact=True).fill("vera")
    page.get_by_label("Role of the new user").select_option("viewer")
    page.get_by_role("button", name="Add").click()
    given = page.locator(".secret code")
    expect(page.get_by_text("One-time password of vera")).to_be_visible()
    viewer = Visitor(browser, service.address)
    viewer.sign_in("vera", given.inner_text())
    # A viewer is offered neither uploads nor administration.
    expect(viewer.page.get_by_role("link", name="Models")).to_be_visible()
    for kept_back in ("Upload", "Admin"):
        expect(viewer.page.get_by_role("link", name=kept_back)).to_have_count(0)
    _lost_password(page)
    page.get_by_role("button", name="Lock vera").click()
    expect(page.get_by_role("button", name="Unlock vera")).to_be_visible()
    assert violations(page) == []
    page.reload()
    expect(page.get_by_text("The chain is unbroken")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="user changed").first).to_contain_text(
        "locked=True"
    )
    viewer.page.get_by_role("link", name="Models").click()
    expect(viewer.page.get_by_role("heading", name="Sign in")).to_be_visible()
    viewer.page.get_by_label("Name").fill("vera")
    viewer.page.get_by_label("Password").fill(PASSWORD)
    viewer.page.get_by_role("button", name="Sign in").click()
    expect(viewer.page.get_by_text("The name or the password is wrong")).to_be_visible()
    for path in ("/models", "/help", "/upload"):
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert violations(page) == []
    admin.leave()


def _lost_password(page: Page) -> None:
    given = page.locator(".secret code")
    before = given.inner_text()
    page.get_by_role("button", name="New password of vera").click()
    expect(given).not_to_have_text(before)
