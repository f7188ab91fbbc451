"""DICOM elements as raw bytes, read by what their tag means and not by what their VR claims.

Real headers lie about value representations, pad numbers oddly and name wrong character sets;
numbers and codes are plain ASCII whatever the rest says, so the bytes are read directly and no
header can make pydicom warn, guess or fail.
"""

import struct
from collections.abc import Mapping
from io import BytesIO
from typing import Final, Literal

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import data_element_generator
from pydicom.tag import BaseTag

from ctsieve.readers._header import UNDEFINED_LENGTH
from ctsieve.types.errors import UnreadableStudy

Element = DataElement | RawDataElement

PIXEL_DATA: Final = 0x7FE00010
_PIXEL_TAGS: Final = frozenset({PIXEL_DATA, 0x7FE00008, 0x7FE00009})

PARSE_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    TypeError,
    UserWarning,
    ValueError,
    struct.error,
)
"""What pydicom raises on malformed bytes, as tried with damaged files; warnings may be errors."""


_LONGEST_CHARACTER_SET: Final = 256
_LONG_FORM: Final = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
"""Value representations with a length of four bytes (PS3.5 7.1.2)."""


class Elements:
    """The elements of one data set or sequence item, with readers for each kind of value."""

    def __init__(self, elements: Mapping[int, Element], *, little_endian: bool = True) -> None:
        self._elements = elements
        self._little = little_endian
        self._items: dict[int, list[Elements]] = {}

    def __contains__(self, tag: int) -> bool:
        return tag in self._elements

    def raw(self, tag: int) -> bytes:
        """The value as it stands in the file; empty where the element is absent or a sequence."""
        value = self._value(tag)
        return value if isinstance(value, bytes) else b""

    def text(self, tag: int) -> str:
        """The whole value as text, padding removed; empty where the element is absent."""
        return _decoded(self._value(tag))

    def texts(self, tag: int) -> tuple[str, ...]:
        """The values of a multi-valued element; empty where it is absent or empty."""
        text = self.text(tag)
        return tuple(part.strip() for part in text.split("\\")) if text else ()

    def number(self, tag: int) -> float | None:
        """The first number; None where there is none."""
        numbers = self.numbers(tag)
        return numbers[0] if numbers else None

    def numbers(self, tag: int) -> tuple[float, ...]:
        """All numbers of a DS or IS element; empty where one of them is no finite number."""
        try:
            numbers = tuple(float(text) for text in self.texts(tag))
        except ValueError:
            return ()
        return numbers if all(abs(n) < float("inf") for n in numbers) else ()

    def integer(self, tag: int) -> int | None:
        """The first whole number of an IS element."""
        number = self.number(tag)
        return None if number is None else int(number)

    def binary(self, tag: int, *, signed: bool = False) -> int | None:
        """The value of a US, SS, UL or SL element."""
        value = self._value(tag)
        if not isinstance(value, bytes) or len(value) not in (2, 4):
            return None
        return int.from_bytes(value, "little" if self._little else "big", signed=signed)

    def items(self, tag: int) -> list["Elements"]:
        """The items of a sequence; empty where it is absent."""
        # Frames look the same sequences up again and again, and pydicom parses them each time.
        if tag not in self._items:
            self._items[tag] = self._parsed_items(tag)
        return self._items[tag]

    def _parsed_items(self, tag: int) -> list["Elements"]:
        element = self._elements.get(tag)
        if isinstance(element, RawDataElement):
            try:
                element = Dataset({BaseTag(tag): element})[tag]
            except (RecursionError, *PARSE_ERRORS) as error:
                raise UnreadableStudy(
                    "a sequence in a DICOM header is damaged", hint="send the file again"
                ) from error
        items = None if element is None else element.value
        if items is None or isinstance(items, bytes):
            return []
        return [
            Elements(
                {int(t): e for t, e in zip(item.keys(), item.values(), strict=True)},
                little_endian=self._little,
            )
            for item in items
        ]

    def _value(self, tag: int) -> object:
        element = self._elements.get(tag)
        return None if element is None else element.value


class Parsed(Elements):
    """The elements in front of the pixels, and where the pixels are."""

    def __init__(
        self,
        elements: Mapping[int, Element],
        *,
        little_endian: bool,
        pixels: tuple[int, int] | None,
        cut: bool,
        character_set: str = "",
    ) -> None:
        super().__init__(elements, little_endian=little_endian)
        self.pixels = pixels
        """Offset and declared length of the value of Pixel Data; None where there is none."""
        self.cut = cut
        """Whether the bytes end inside an element."""
        self.character_set = character_set
        """Specific Character Set as the file names it, true or not."""


def parse(
    data: bytes, *, start: int, implicit: bool, little_endian: bool, tags: list[int]
) -> Parsed:
    """The wanted `tags` of the data set that begins at `start`, up to the pixels.

    Raises:
        UnreadableStudy: the sequences are nested deeper than any real file's.
    """
    found: list[tuple[int, int, int]] = []
    named = _character_set(data, start, little_endian=little_endian)
    # Blanked, since pydicom warns of every misspelt one, and all that is read by it is ASCII.
    file = BytesIO(data[: named.start] + b" " * len(data[named]) + data[named.stop :])
    file.seek(start)

    def stop(tag: BaseTag, _vr: str | None, length: int) -> bool:
        if tag not in _PIXEL_TAGS:
            return False
        found.append((int(tag), file.tell(), length))
        return True

    wanted: list[BaseTag | int] = list(tags)
    generator = data_element_generator(
        file, implicit, little_endian, stop_when=stop, specific_tags=wanted
    )
    try:
        elements: dict[int, Element] = {int(e.tag): e for e in generator}
    except RecursionError as error:
        raise UnreadableStudy(
            "a DICOM file nests its sequences too deeply", hint="the file is damaged or hostile"
        ) from error
    pixels = next(((at, length) for tag, at, length in found if tag == PIXEL_DATA), None)
    cut = file.tell() > len(data) or any(_end(e) > len(data) for e in elements.values())
    return Parsed(
        elements,
        little_endian=little_endian,
        pixels=pixels,
        cut=cut,
        character_set=_decoded(data[named]),
    )


def parse_meta(data: bytes, *, start: int = 132) -> tuple[str, int]:
    """(transfer syntax, where the data set begins); explicit little endian (PS3.10 7.1)."""
    at, syntax = start, b""
    while data[at : at + 2] == b"\x02\x00" and at + 8 <= len(data):
        vr = data[at + 4 : at + 6]
        if vr in _LONG_FORM:
            value, length = at + 12, int.from_bytes(data[at + 8 : at + 12], "little")
        elif vr.isalpha() and vr.isupper():
            value, length = at + 8, int.from_bytes(data[at + 6 : at + 8], "little")
        else:  # implicit, from writers that never read that chapter
            value, length = at + 8, int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at + 2 : at + 4] == b"\x10\x00":
            syntax = data[value : value + length]
        at = value + length
    return _decoded(syntax), min(at, len(data))


def _character_set(data: bytes, start: int, *, little_endian: bool) -> slice:
    """Where the value of Specific Character Set stands; an empty place where there is none."""
    tag = b"\x08\x00\x05\x00" if little_endian else b"\x00\x08\x00\x05"
    at = data.find(tag, start, start + 256)
    order: Literal["little", "big"] = "little" if little_endian else "big"
    explicit = data[at + 4 : at + 6] == b"CS"
    length = int.from_bytes(data[at + 6 if explicit else at + 4 : at + 8], order)
    if at < 0 or length > _LONGEST_CHARACTER_SET:
        return slice(0, 0)
    return slice(at + 8, at + 8 + length)


def _end(element: Element) -> int:
    if not isinstance(element, RawDataElement) or element.length == UNDEFINED_LENGTH:
        return 0
    return element.value_tell + element.length


def _decoded(value: object) -> str:
    if value is None:
        return ""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.strip(" \0\t\r\n")
