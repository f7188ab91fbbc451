"""A user's own data: one CSV table with a row for each image.

Source   the user's disk: a folder with `cases.csv`, or the CSV file itself.
Licence  the user's own.

Columns  image      file or folder (of DICOM files or numbered pictures), from the table's folder on
         patient    whatever keeps images of one person together; must not be empty
         site       hospital, scanner, publication, ...: what could give the label away
         label      one label for a patient, as the rest of the program calls it: covid19,
                    other_pneumonia, neither, non_covid19, or any other word
         mask       optional: a file with lesions drawn
         box        optional: `left top right bottom` in pixels, right and bottom excluded
         partition  optional: train, val or test
         sex, age   optional: F or M, years
         scan, position, paper   optional: see `ctsieve.types.cases.Case`
         fact:NAME  optional: anything else worth keeping, in words
         others     are lesion flags: 1, 0, or empty where it is not known

Traps    A spreadsheet may write `;` between columns, which is understood, and may turn patient 007
         into 7, which nobody can undo.
"""

from collections.abc import Iterator
from pathlib import Path

from ctsieve.datasets._files import natural
from ctsieve.datasets._splits import as_published, shares_of_patients
from ctsieve.datasets._table import Problem, Row, read_rows
from ctsieve.types.cards import DatasetCard, SplitCard
from ctsieve.types.cases import Case
from ctsieve.types.errors import InputRejected, UnreadableStudy
from ctsieve.types.results import Finding

TABLE = "cases.csv"
SHARES = {"train": 0.7, "tune": 0.15, "test": 0.15}


def walk(root: Path) -> Iterator[Case]:
    """Yield the cases of the table in its order, opening no image.

    The whole table is checked first: either all of it makes sense or nothing is yielded.

    Raises:
        UnreadableStudy: there is no table, or it is no CSV file.
        InputRejected: a row makes no sense; the sentence has the row's number, as a spreadsheet
            counts (the header is row 1), and says how many more there are.
    """
    cases, problems = _read(root)
    if problems:
        more = len(problems) - 1
        rest = f" ({more} more row{'s' if more > 1 else ''} make no sense)" if more else ""
        raise InputRejected(problems[0].sentence + rest, hint=problems[0].hint)
    yield from cases


def check(root: Path) -> tuple[Finding, ...]:
    """Everything that is wrong with a table, in the order of its rows; empty where nothing is.

    Raises:
        UnreadableStudy: there is no table, or it is no CSV file.
    """
    return tuple(
        Finding(
            code=problem.code, severity="rejection", sentence=f"{problem.sentence}; {problem.hint}"
        )
        for problem in _read(root)[1]
    )


def table_of(root: Path) -> Path:
    """The table: `root` itself, or cases.csv in it, or its only CSV file.

    Raises:
        UnreadableStudy: there is none, or there are several.
    """
    if root.is_file():
        return root
    if (root / TABLE).is_file():
        return root / TABLE
    found = sorted(root.glob("*.csv"))
    if len(found) == 1:
        return found[0]
    raise UnreadableStudy(
        f"{root.name!r} holds {len(found)} CSV files and none is called {TABLE}",
        hint=f"give the table itself, or call it {TABLE}: image,patient,site,label",
    )


def _read(root: Path) -> tuple[list[Case], list[Problem]]:
    table = table_of(root)
    cases: list[Case] = []
    problems: list[Problem] = []
    for read in read_rows(table):
        if isinstance(read, Problem):
            problems.append(read)
        else:
            cases.append(_case(table.parent, read))
    if not cases and not problems:
        raise UnreadableStudy(f"{table.name} has a header and no rows", hint="add a row an image")
    return cases, problems


def _case(folder: Path, row: Row) -> Case:
    image = folder / row.image
    is_scan = image.is_dir()
    files: tuple[Path, ...] = (image,)
    if is_scan:
        inside = (path for path in image.iterdir() if path.is_file() and path.name[0] != ".")
        files = tuple(sorted(inside, key=lambda path: natural(path.name)))
    return Case(
        id=row.image,
        patient=row.patient,
        label=row.label,
        files=files,
        site=row.site,
        partition=row.partition,
        kind="volume" if is_scan or row.is_volume else row.kind,
        lesions=row.lesions,
        mask=folder / row.mask if row.mask else None,
        box=row.box,
        scan=row.scan,
        position=row.position,
        paper=row.paper,
        sex=row.sex,
        age=row.age,
        facts=row.facts,
    )


CARD = DatasetCard(
    title="Your own images, listed in a CSV table",
    source="your own",
    licence="your own",
    labels=(),
    walk=walk,
    expected="as many cases as the table has rows",
    traps=("a spreadsheet may turn patient 007 into 7",),
    splits={
        "by-patient": SplitCard(
            title="70, 15 and 15 % of the patients of each label",
            deal=shares_of_patients(SHARES, seed=0),
        ),
        "published": SplitCard(
            title="the table's column `partition`: train, val, test",
            deal=as_published,
            leaks="whatever the table's column puts on two sides",
        ),
    },
)
