"""A page as a test reads it: its elements, its words and its pictures."""

import base64
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np
import numpy.typing as npt
from PIL import Image

VOID = {"meta", "link", "img", "input", "br", "hr", "base"}


@dataclass
class Element:
    """One element: its tag, its attributes, the text directly inside."""

    tag: str
    attributes: dict[str, str]
    text: str = ""

    def get(self, name: str) -> str:
        """An attribute, or nothing."""
        return self.attributes.get(name, "")


@dataclass
class Page(HTMLParser):
    """All elements of a page in order."""

    source: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open: list[Element] = []
        self.feed(self.source)
        assert not self._open, [element.tag for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element; a void one is closed at once."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element that closes itself."""
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Every element is closed by its own end."""
        assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Keep text with its element."""
        if self._open:
            self._open[-1].text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements of a tag, some of whose attributes are given (`class_` for class)."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element.tag == tag and all(element.get(k) == v for k, v in wanted.items())
        ]

    @property
    def words(self) -> str:
        """All the text people read."""
        hidden = {"style", "script"}
        return " ".join(e.text for e in self.elements if e.tag not in hidden)


def pixels(address: str) -> npt.NDArray[np.uint8]:
    """The picture in a `data:` address: grey (rows, columns) or RGBA (rows, columns, 4)."""
    head, body = address.split(",", 1)
    assert head.startswith("data:image/")
    picture = Image.open(io.BytesIO(base64.b64decode(body, validate=True)))
    return np.asarray(picture.convert("RGBA") if picture.mode == "P" else picture)
