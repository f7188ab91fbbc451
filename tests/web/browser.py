"""People at the page: Debian's Chromium, driven by Playwright, one window for each of them."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright
from tests.web.serving import PASSWORD

SYSTEM: Final = "/usr/bin:/usr/local/bin"
OPTIONS: Final = (
    "--no-sandbox",
    # WebGL without a graphics card.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS: Final = 300_000
"""A limit for a busy machine, not what anything takes."""
NOBODY: Final = re.compile(r"api/v1/session$")
"""Asked before anybody has signed in: Chromium writes the refusal into its console."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; the test is skipped where it is not installed."""
    program = shutil.which("chromium", path=SYSTEM)
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*OPTIONS])
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody with a window of their own; what went wrong in it is kept in `troubles`."""

    def __init__(self, browser: Browser, address: str, *, width: int = 1280) -> None:
        context = browser.new_context(
            base_url=address, viewport={"width": width, "height": 800}, reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE_MS)
        self.address = address
        self.page: Page = context.new_page()
        self.troubles: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        asked = str(message.location.get("url", ""))
        if message.type in ("error", "warning") and not NOBODY.search(asked):
            self.troubles.append(f"{message.text} {asked}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.troubles.append(f"a request left the host: {request.url}")

    def sign_in(self, name: str, password: str) -> None:
        """Sign in with a one-time password and change it, or with the changed one."""
        page = self.page
        page.goto("/")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        if password != PASSWORD:
            page.get_by_label("Password you were given").fill(password)
            page.get_by_label("New password").fill(PASSWORD)
            page.get_by_label("The same again").fill(PASSWORD)
            page.get_by_role("button", name="Change it").click()
        expect(page.get_by_role("heading", name="Worklist")).to_be_visible()

    def choose(self, button: str, files: Path | list[Path]) -> None:
        """Choose files, or a folder, on the upload page."""
        with self.page.expect_file_chooser() as asked:
            self.page.get_by_role("button", name=button).click()
        asked.value.set_files(files)

    def upload(self, folder: Path) -> str:
        """Upload a folder and open the study that came of it; its id."""
        self.page.goto("/upload")
        self.choose("Choose a folder", folder)
        self.page.get_by_role("link", name="Open the study").click()
        self.page.wait_for_url("**/studies/*")
        return self.page.url.rsplit("/", 1)[-1]

    def see_scan(self) -> None:
        """Wait until the viewer shows the scan."""
        expect(self.page.locator("#answer")).to_be_visible()
        expect(self.page.get_by_text("Loading the scan")).to_have_count(0)

    def leave(self) -> None:
        """Close the window; fail where something went wrong in it."""
        self.page.context.close()
        assert self.troubles == []
