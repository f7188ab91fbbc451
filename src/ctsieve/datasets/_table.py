"""A user's table: rows that make sense, and one sentence with a hint for each that does not."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ctsieve.types.errors import UnreadableStudy

REQUIRED = ("image", "patient", "site", "label")
OPTIONAL = ("mask", "box", "partition", "sex", "age", "scan", "position", "paper", "kind")
FACT = "fact:"
FLAGS = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
SEX: dict[str, Literal["female", "male", ""]] = {
    "": "",
    "f": "female",
    "female": "female",
    "m": "male",
    "male": "male",
}
OLDEST = 120.0
VOLUMES = (".nii", ".nii.gz", ".mha", ".mhd", ".zip")
PARTITIONS = ("", "train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a row, in one sentence, and what to do about it."""

    code: str
    row: int
    what: str
    hint: str
    table: str

    @property
    def sentence(self) -> str:
        """The sentence, with table and row number."""
        return f"{self.table} row {self.row}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row that makes sense."""

    image: str
    patient: str
    site: str
    label: str
    kind: Literal["picture", "slice"]
    is_volume: bool
    mask: str = ""
    box: tuple[int, int, int, int] | None = None
    partition: str = ""
    sex: Literal["female", "male", ""] = ""
    age: float | None = None
    scan: str = ""
    position: int | None = None
    paper: str = ""
    lesions: Mapping[str, bool] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


class _Wrong(Exception):
    """A cell that makes no sense; becomes a `Problem` with the row's number."""

    def __init__(self, code: str, what: str, hint: str) -> None:
        super().__init__(what)
        self.code, self.what, self.hint = code, what, hint


def read_rows(table: Path) -> Iterator[Row | Problem]:
    """Every row of `table`, as a row or as what is wrong with it; blank rows are passed over.

    Raises:
        UnreadableStudy: the file is no text, or a column is missing or there twice.
    """
    lines = _lines(table)
    header = _header(table, lines)
    first_row: dict[str, int] = {}
    label_of: dict[str, tuple[str, int]] = {}
    for number, cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        try:
            row = _row(table.parent, header, cells)
            _check_against_earlier(row, number, first_row, label_of)
        except _Wrong as wrong:
            yield Problem(
                code=wrong.code, row=number, what=wrong.what, hint=wrong.hint, table=table.name
            )
        else:
            yield row


def _lines(table: Path) -> Iterator[tuple[int, list[str]]]:
    """Numbers, as a spreadsheet counts, and cells of all rows, the header included."""
    try:
        text = table.read_text(encoding="utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableStudy(
            f"{table.name} is no CSV table in UTF-8", hint="save it again as CSV UTF-8"
        ) from error
    return enumerate(rows, start=1)


def _header(table: Path, lines: Iterator[tuple[int, list[str]]]) -> list[str]:
    header = [name.strip() for name in next(lines, (1, []))[1]]
    absent = [name for name in REQUIRED if name not in header]
    if absent:
        raise UnreadableStudy(
            f"{table.name} has no column {', '.join(absent)}; it has {', '.join(header) or 'none'}",
            hint=f"the first row must name the columns {', '.join(REQUIRED)}",
        )
    twice = sorted({name for name in header if header.count(name) > 1 and name})
    if twice:
        raise UnreadableStudy(
            f"{table.name} has the column {twice[0]!r} twice", hint="rename or delete one of them"
        )
    return header


def _row(folder: Path, header: list[str], cells: list[str]) -> Row:
    if any(cell.strip() for cell in cells[len(header) :]):
        raise _Wrong(
            "too-many-cells",
            f"{len(cells)} cells, but the header has {len(header)}",
            "put names that contain the separator in double quotes",
        )
    cell = dict.fromkeys(OPTIONAL, "") | {
        name: value.strip()
        for name, value in zip(header, [*cells, *[""] * len(header)], strict=False)
    }
    for name in REQUIRED:
        if not cell[name]:
            raise _Wrong(f"empty-{name}", f"{name} is empty", _FILL_IN[name])
    suffix = "".join(Path(cell["image"]).suffixes[-2:]).lower()
    return Row(
        image=_there(folder, cell["image"], "image"),
        patient=cell["patient"],
        site=cell["site"],
        label=cell["label"],
        kind="slice" if suffix.endswith(".dcm") else "picture",
        is_volume=suffix.endswith(VOLUMES) or cell["kind"] == "volume",
        mask=_there(folder, cell["mask"], "mask") if cell["mask"] else "",
        box=_box(cell["box"]) if cell["box"] else None,
        partition=_one_of("partition", cell["partition"]),
        sex=_sex(cell["sex"]),
        age=_age(cell["age"]) if cell["age"] else None,
        scan=cell["scan"],
        position=_position(cell["position"]) if cell["position"] else None,
        paper=cell["paper"],
        lesions=_lesions(cell),
        facts={
            name.removeprefix(FACT): value
            for name, value in cell.items()
            if name.startswith(FACT) and value
        },
    )


_FILL_IN = {
    "image": "give the image's path from the table's folder on",
    "patient": "give any key that all images of one person share; without it no split is honest",
    "site": "give the hospital or source, or the same word in all rows",
    "label": "give a label such as covid19, other_pneumonia or neither, or delete the row",
}


def _check_against_earlier(
    row: Row, number: int, first_row: dict[str, int], label_of: dict[str, tuple[str, int]]
) -> None:
    if first_row.setdefault(row.image, number) != number:
        raise _Wrong(
            "duplicate-image",
            f"image {row.image!r} is already in row {first_row[row.image]}",
            "list every image once",
        )
    label, at = label_of.setdefault(row.patient, (row.label, number))
    if label != row.label:
        raise _Wrong(
            "patient-of-two-labels",
            f"patient {row.patient!r} is {row.label!r} here and {label!r} in row {at}",
            "correct the label, or give scans of one person at two times two patient keys "
            "and accept that they may stand on two sides",
        )


def _there(folder: Path, name: str, column: str) -> str:
    """The name in one spelling, so that ./a.png and a.png are found to be one image."""
    path = folder / name
    if not _exists(path):
        hint = f"paths start at the table's folder, {folder.name}/; upper and lower case count"
        if "\\" in name:
            hint = "write / and not \\ between folders"
        raise _Wrong(f"absent-{column}", f"{column} {name!r} is not there", hint)
    if path.is_dir() and not any(path.iterdir()):
        raise _Wrong(f"empty-{column}-folder", f"{column} folder {name!r} is empty", "fill it")
    return Path(name).as_posix()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a cell with a whole report in it is no file name
        return False


def _box(text: str) -> tuple[int, int, int, int]:
    hint = "write left top right bottom in whole pixels, such as 40 60 470 420"
    try:
        left, top, right, bottom = (int(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise _Wrong("wrong-box", f"box {text!r} is not four whole numbers", hint) from None
    if not (0 <= left < right and 0 <= top < bottom):
        raise _Wrong("wrong-box", f"box {text!r} has no area or begins outside the image", hint)
    return left, top, right, bottom


def _one_of(column: str, text: str) -> str:
    if text not in PARTITIONS:
        raise _Wrong(
            f"wrong-{column}",
            f"{column} {text!r} is none of train, val, test",
            "correct it, or leave all of the column empty",
        )
    return text


def _sex(text: str) -> Literal["female", "male", ""]:
    if text.lower() not in SEX:
        raise _Wrong("wrong-sex", f"sex {text!r} is neither F nor M", "leave unknown ones empty")
    return SEX[text.lower()]


def _age(text: str) -> float:
    hint = "give years, such as 61; leave unknown ones empty"
    try:
        age = float(text.replace(",", "."))
    except ValueError:
        raise _Wrong("wrong-age", f"age {text!r} is no number", hint) from None
    if not 0.0 <= age <= OLDEST:
        raise _Wrong("wrong-age", f"age {text!r} is not between 0 and {OLDEST:g}", hint)
    return age


def _position(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _Wrong(
            "wrong-position", f"position {text!r} is no whole number", "number slices 1, 2, 3, ..."
        ) from None


def _lesions(cell: Mapping[str, str]) -> dict[str, bool]:
    flags = {}
    for name, value in cell.items():
        if not name or name in REQUIRED or name in OPTIONAL or name.startswith(FACT) or not value:
            continue
        if value.lower() not in FLAGS:
            raise _Wrong(
                "wrong-flag",
                f"column {name!r} has {value!r}, and columns without a meaning of their own are "
                "lesion flags",
                f"write 1, 0 or nothing; or call the column {FACT}{name} to keep it as it is",
            )
        flags[name] = FLAGS[value.lower()]
    return flags
