"""A score table as CSV (read packed too, .csv.gz) or Parquet: a row per case, and who spoke.

    case, patient, site, label, level, side, verdict, reasons, abstained
    score:LABEL      calibrated probability; empty where the gate rejected the image
    logit:LABEL      before calibration
    threshold:LABEL  at or above it the case is called
    lesion:KIND      lesion score; truth:KIND yes or no, where known
    fact:NAME        what subgroups are made of
    bundle, bundle_version, bundle_digest, labels, multi_label

A file made by hand needs case, patient, label, score:LABEL and threshold:LABEL only.
"""

import csv
import gzip
import importlib
import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO, TypeVar, get_args

from ctsieve.types.errors import InputRejected, MissingExtra, UsageError
from ctsieve.types.results import BundleIdentity
from ctsieve.types.scores import CaseScore, ScoredLevel, ScoreTable

PLAIN = ("case", "patient", "site", "label", "level", "side", "verdict", "reasons", "abstained")
ABOUT = ("bundle", "bundle_version", "bundle_digest", "labels", "multi_label")
NEEDED = ("case", "patient", "label")
PACKED = ".csv.gz"
UNNAMED = "unnamed"
MAX_BYTES = 64 * 1024**2
"""Of a packed file when it is opened: a small one may hold far too much."""
WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
"""What a cell may say; programs write True and 1 where people write yes."""
UNREADABLE = (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error)
Row = Mapping[str, str]
Value = TypeVar("Value")


def is_score_file(path: Path) -> bool:
    """Whether the first line of a CSV, or the schema of a Parquet file, names a score."""
    if path.suffix == ".parquet":
        return path.is_file()
    if not path.name.endswith((".csv", PACKED)) or not path.is_file():
        return False
    try:
        with _opened(path) as file:
            return any(name.startswith("score:") for name in next(csv.reader(file), []))
    except UNREADABLE:
        return False


def save_scores(table: ScoreTable, path: Path) -> Path:
    """Write a table to `path`, by its ending as CSV or Parquet.

    Raises:
        UsageError: the ending is neither.
        MissingExtra: Parquet without pyarrow.
    """
    rows = to_rows(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        path.write_text(_as_csv(rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        arrow, parquet = _parquet()
        parquet.write_table(arrow.Table.from_pylist(rows), path)
    else:
        raise UsageError(f"{path.name} is neither .csv nor .parquet")
    return path


def compact_csv(table: ScoreTable) -> str:
    """The table as CSV without empty columns; who spoke stands in the first row only."""
    first, *others = to_rows(table)
    rows = [first, *(row | dict.fromkeys(ABOUT, "") for row in others)]
    used = [name for name in first if any(row[name] for row in rows)]
    return _as_csv([{name: row[name] for name in used} for row in rows])


def load_scores(path: Path) -> ScoreTable:
    """Read a table.

    Raises:
        InputRejected: a column is missing, a value is no number, a case stands there twice, or rows
            are of several bundles.
        MissingExtra: Parquet without pyarrow.
    """
    if path.suffix == ".parquet":
        _, parquet = _parquet()
        try:
            listed = parquet.read_table(path).to_pylist()
        except (OSError, ValueError) as error:
            raise InputRejected(f"{path.name} is no Parquet file: {error}") from error
        rows = [{k: "" if v is None else str(v) for k, v in row.items()} for row in listed]
    else:
        try:
            with _opened(path) as file:
                rows = [_whole(row, n) for n, row in enumerate(csv.DictReader(file), start=2)]
        except UNREADABLE as error:
            raise InputRejected(f"{path.name} cannot be read: {error}") from error
    return from_rows(rows)


def to_rows(table: ScoreTable) -> list[dict[str, str]]:
    """Rows of text with the same columns in each."""
    rows = [_row(table, row) for row in table.rows]
    extra = sorted({name for row in rows for name in row} - {*PLAIN, *ABOUT}, key=_column_order)
    return [{name: row.get(name, "") for name in (*PLAIN, *extra, *ABOUT)} for row in rows]


def from_rows(rows: Sequence[Row]) -> ScoreTable:
    """The table that rows of text say.

    Raises:
        InputRejected: see `load_scores`.
    """
    if not rows:
        raise InputRejected("the score file holds no case")
    missing = [name for name in NEEDED if name not in rows[0]]
    scored = [name.removeprefix("score:") for name in rows[0] if name.startswith("score:")]
    if missing or not scored:
        lacks = missing[0] if missing else "score:LABEL"
        raise InputRejected(
            f"the score file has no column {lacks!r}", hint=f"it has {list(rows[0])}"
        )
    labels = tuple(rows[0].get("labels", "").split()) or tuple(scored)
    if unscored := [label for label in labels if label not in scored]:
        raise InputRejected(
            f"the score file has no column 'score:{unscored[0]}'",
            hint=f"it says that the bundle's labels are {', '.join(labels)}",
        )
    return ScoreTable(
        bundle=_bundle(rows),
        labels=labels,
        multi_label=_is_multi_label(rows[0]) or len(labels) < 2,
        rows=tuple(_case(row, line, labels) for line, row in enumerate(rows, start=2)),
    )


def _row(table: ScoreTable, row: CaseScore) -> dict[str, str]:
    plain = {
        "case": row.case,
        "patient": row.patient,
        "site": row.site,
        "label": row.label,
        "level": row.level,
        "side": row.side,
        "verdict": row.verdict,
        "reasons": " ".join(row.reasons),
        "abstained": row.abstained or "",
        "bundle": table.bundle.name,
        "bundle_version": table.bundle.version,
        "bundle_digest": table.bundle.digest,
        "labels": " ".join(table.labels),
        "multi_label": "yes" if table.multi_label else "no",
    }
    numbers = {"score": row.scores, "logit": row.logits, "threshold": row.thresholds}
    for kind, values in {**numbers, "lesion": row.lesions}.items():
        # The shortest text that reads back as the very same number.
        plain |= {f"{kind}:{name}": repr(value) for name, value in values.items()}
    plain |= {f"truth:{name}": "yes" if value else "no" for name, value in row.truth.items()}
    return plain | {f"fact:{name}": value for name, value in row.facts.items()}


def _column_order(name: str) -> tuple[int, str]:
    kinds = ("score", "logit", "threshold", "lesion", "truth", "fact")
    return kinds.index(name.partition(":")[0]), name


def _opened(path: Path) -> TextIO:
    """A CSV file as text; of a packed one no more than `MAX_BYTES`."""
    if not path.name.endswith(PACKED):
        return path.open(newline="", encoding="utf-8-sig")
    with gzip.open(path) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InputRejected(f"{path.name} holds more than {MAX_BYTES} bytes")
    return io.StringIO(content.decode("utf-8-sig"), newline="")


def _as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [*PLAIN, *ABOUT])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _bundle(rows: Sequence[Row]) -> BundleIdentity:
    first = tuple(rows[0].get(name, "") for name in ABOUT[:3])
    found = {tuple(row.get(name, "") for name in ABOUT[:3]) for row in rows} - {("", "", "")}
    if len(found | {first}) > 1:
        raise InputRejected(
            f"the rows are of {len(found)} bundles", hint="one score file per bundle"
        )
    name, version, digest = first
    return BundleIdentity(name=name or UNNAMED, version=version or "0", digest=digest)


def _whole(row: Mapping[str | None, str | list[str] | None], line: int) -> dict[str, str]:
    """A line's cells by column; those that a short line lacks are empty."""
    if None in row:
        raise InputRejected(f"line {line} has more cells than there are columns")
    return {str(name): str(value or "") for name, value in row.items()}


def _is_multi_label(first: Row) -> bool:
    return _yes_or_no(2)(first.get("multi_label", "") or "yes")


def _case(row: Row, line: int, labels: Sequence[str]) -> CaseScore:
    empty = [name for name in NEEDED if not row[name]]
    if empty:
        raise InputRejected(
            f"line {line} has no {empty[0]}",
            hint="a patient who is not known has the case's own name",
        )
    scores = dict(_values(row, "score:", _number(line)))
    thresholds = dict(_values(row, "threshold:", _number(line)))
    if holes := [label for label in labels if scores and label not in scores]:
        raise InputRejected(
            f"line {line} has a score, and none for {holes[0]!r}",
            hint="a case has a score of every label, or none at all",
        )
    lacking = sorted(set(scores) - set(thresholds))
    if lacking:
        raise InputRejected(
            f"line {line} has a score and no threshold for {lacking[0]!r}",
            hint=f"add the column threshold:{lacking[0]}",
        )
    return CaseScore(
        case=row["case"],
        patient=row["patient"],
        site=row.get("site", ""),
        label=row["label"],
        level=_level(row.get("level", ""), line),
        side=row.get("side", ""),
        verdict=row.get("verdict", "") or "accepted",
        reasons=tuple(row.get("reasons", "").split()),
        abstained=row.get("abstained", "") or None,
        scores=scores,
        logits=dict(_values(row, "logit:", _number(line))),
        thresholds=thresholds,
        lesions=dict(_values(row, "lesion:", _number(line))),
        truth=dict(_values(row, "truth:", _yes_or_no(line))),
        facts=dict(_values(row, "fact:", str)),
    )


def _values(row: Row, prefix: str, read: Callable[[str], Value]) -> Iterator[tuple[str, Value]]:
    for name, text in row.items():
        if name.startswith(prefix) and text:
            yield name.removeprefix(prefix), read(text)


def _number(line: int) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            return float(text)
        except ValueError as error:
            raise InputRejected(f"line {line}: {text!r} is no number") from error

    return read


def _yes_or_no(line: int) -> Callable[[str], bool]:
    def read(text: str) -> bool:
        if text.lower() not in WORDS:
            raise InputRejected(f"line {line}: {text!r} is neither yes nor no")
        return WORDS[text.lower()]

    return read


def _level(text: str, line: int) -> ScoredLevel:
    if text in {"slice", ""}:
        return "slice"
    if text == "scan":
        return "scan"
    known: tuple[Literal["slice", "scan"], ...] = get_args(ScoredLevel)
    raise InputRejected(f"line {line}: {text!r} is no level", hint=f"say {' or '.join(known)}")


def _parquet() -> tuple[Any, Any]:
    """Pyarrow and its Parquet part: an extra, so that the core stays small."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Parquet needs pyarrow, which is not installed",
            hint="pip install 'ctsieve[parquet]', or use .csv",
        ) from error
