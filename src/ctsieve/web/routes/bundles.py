"""The models at hand, and which one judges."""

from typing import Final

from fastapi import APIRouter
from markdown_it import MarkdownIt
from pydantic import BaseModel

from ctsieve.bundles import store
from ctsieve.bundles.bundle import Bundle
from ctsieve.web.access import FOR_VIEWERS, Admin, Serving
from ctsieve.web.errors import NotThere
from ctsieve.web.service import Service

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
    has_judged: bool
    """Whether it may be chosen as it is; others must be tried as candidates first."""
    card_html: str


class BundleNamed(BaseModel):
    """A bundle."""

    name: str
    version: str


@router.get("", dependencies=[FOR_VIEWERS])
def bundles(service: Serving) -> list[BundleCard]:
    """Every bundle at hand."""
    trusted, others = _at_hand(service)
    current = service.studies.open_bundle(service.studies.chosen_bundle()).identity.digest
    return [
        BundleCard(
            name=b.identity.name,
            version=b.identity.version,
            current=digest == current,
            has_judged=digest in trusted,
            card_html=card_as_html(b.text("MODEL_CARD.md")),
        )
        for digest, b in {**trusted, **others}.items()
    ]


@router.post("/rollback")
def rollback(service: Serving, by: Admin) -> BundleNamed:
    """Take the last change back: the bundle before it judges again."""
    service.candidates.roll_back(by)
    found = service.studies.open_bundle(service.studies.chosen_bundle()).identity
    return BundleNamed(name=found.name, version=found.version)


@router.post("/{name}/{version}/use", status_code=204)
def use(name: str, version: str, service: Serving, by: Admin) -> None:
    """Let a bundle judge new studies from now on that has judged here before."""
    trusted, others = _at_hand(service)
    for bundle in {**others, **trusted}.values():
        if (bundle.identity.name, bundle.identity.version) == (name, version):
            service.candidates.use(bundle, by)
            return
    raise NotThere(f"there is no bundle {name!r} {version!r}")


def _at_hand(service: Service) -> tuple[dict[str, Bundle], dict[str, Bundle]]:
    """By digest: those that have judged here, and the others of this machine's store."""
    known = [service.studies.open_bundle(value) for value in service.candidates.trusted()]
    trusted = {bundle.identity.digest: bundle for bundle in known}
    stored = {b.identity.digest: b for b in map(store.find, store.names())}
    return trusted, {digest: b for digest, b in stored.items() if digest not in trusted}
