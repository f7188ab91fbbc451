"""The models at hand, and which one judges."""

from typing import Final

from fastapi import APIRouter
from markdown_it import MarkdownIt
from pydantic import BaseModel

from ctsieve.bundles import store
from ctsieve.web.access import Admin, Serving, Viewer
from ctsieve.web.errors import NotThere

router = APIRouter(prefix="/bundles", tags=["bundles"])

# A bundle may come from anywhere: its card's own HTML is shown as text, never as HTML.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def card_as_html(markdown: str) -> str:
    r"""A model card's Markdown as HTML; HTML in it is escaped.

    Example:
        >>> card_as_html("# tiny\n<script>")
        '<h1>tiny</h1>\n<p>&lt;script&gt;</p>\n'
    """
    html: str = _MARKDOWN.render(markdown)
    return html


class BundleCard(BaseModel):
    """A bundle with its model card, whose Markdown is HTML here; HTML in it is escaped."""

    name: str
    version: str
    current: bool
    card_html: str


@router.get("")
def bundles(service: Serving, by: Viewer) -> list[BundleCard]:  # noqa: ARG001  signed in
    """Every bundle at hand."""
    current = store.find(service.studies.chosen_bundle()).identity.digest
    found = {b.identity.digest: b for b in map(store.find, store.names())}
    chosen = store.find(service.studies.chosen_bundle())
    found.setdefault(current, chosen)
    return [
        BundleCard(
            name=b.identity.name,
            version=b.identity.version,
            current=digest == current,
            card_html=card_as_html(b.text("MODEL_CARD.md")),
        )
        for digest, b in found.items()
    ]


@router.post("/{name}/{version}/use", status_code=204)
def use(name: str, version: str, service: Serving, by: Admin) -> None:
    """Let a bundle judge new studies from now on; also the way back."""
    if name not in store.names() or store.find(name).identity.version != version:
        raise NotThere(f"there is no bundle {name!r} {version!r}")
    service.studies.choose_bundle(name, by)
