"""axe-core over a page as it is shown: WCAG 2 A and AA, light and wide, dark and narrow."""

from functools import cache
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Page

SIZES: Final = (("light", 1280), ("dark", 390))
RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """What axe finds: rule, theme, width, and the first place."""
    found: list[str] = []
    size = page.viewport_size
    for scheme, width in SIZES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(_axe())
        told: dict[str, Any] = page.evaluate("rules => axe.run(document, rules)", RULES)
        found += [
            f"{one['id']} at {width} {scheme}: {one['nodes'][0]['html'][:200]}"
            for one in told["violations"]
        ]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(size or {"width": 1280, "height": 800})
    return found
