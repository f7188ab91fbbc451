"""The page in the package is the one that the sources make, and it needs no other host."""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "web"
BUILT = ROOT / "src" / "ctsieve" / "web" / "static"
MADE_FROM = (
    "index.html",
    "no-gradients.ts",
    "package-lock.json",
    "public",
    "src",
    "vite.config.ts",
)


def source_digest() -> str:
    """SHA-256 over names and bytes of everything the page is built from, as the build has it."""
    files = [
        file
        for root in MADE_FROM
        for file in (
            [SOURCES / root] if (SOURCES / root).is_file() else (SOURCES / root).rglob("*")
        )
        if file.is_file()
    ]
    digest = hashlib.sha256()
    for name in sorted(file.relative_to(SOURCES).as_posix() for file in files):
        digest.update(name.encode() + b"\0" + (SOURCES / name).read_bytes() + b"\0")
    return digest.hexdigest()


def test_the_built_page_is_made_from_these_sources() -> None:
    told = (BUILT / "built-from.txt").read_text().strip()
    assert told == source_digest(), "build the page anew: npm run build, in web/"


class Parts(HTMLParser):
    """Collects what a page loads, and what a strict content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.refused: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the tag loads, and what a policy would refuse about it."""
        names = dict(attrs)
        self.loads += [value for key in ("src", "href") if (value := names.get(key))]
        inline = tag == "style" or (tag == "script" and not names.get("src"))
        if inline or "style" in names or any(name.startswith("on") for name in names):
            self.refused.append(tag)


def test_the_first_page_loads_only_its_own_files_and_nothing_inline() -> None:
    parts = Parts()
    parts.feed((BUILT / "index.html").read_text())
    assert parts.refused == []
    assert len(parts.loads) >= 3
    for address in parts.loads:
        assert (BUILT / address.removeprefix("/")).is_file(), address


def test_own_code_names_no_other_host() -> None:
    named = [
        (file.name, address)
        for file in (SOURCES / "src").rglob("*.ts*")
        for address in re.findall(r"(?:https?:)?//[\w-]+\.[a-z]{2,}", file.read_text())
    ]
    assert named == []


def test_the_lock_file_gives_a_digest_for_every_package_and_no_address() -> None:
    lock = (SOURCES / "package-lock.json").read_text()
    assert lock.count('"integrity"') > 10
    assert '"resolved"' not in lock
