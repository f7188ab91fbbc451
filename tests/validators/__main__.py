"""`python -m tests.validators [STUDY]`: a table of every DICOM object and what programs say of it.

Without STUDY a phantom is made.  The default bundle judges it.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pydicom

from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.phantoms.presets import preset
from ctsieve.pipeline.names import FORMATS
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.write import write
from ctsieve.readers import read_study
from ctsieve.types.results import Finding, GateReport, Screening
from tests.validators import opinions


def main(arguments: list[str]) -> int:
    """Print the table; 1 where a program found an error."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = Path(arguments[0]) if arguments else _phantom(folder / "study")
        screening = Screener.load().screen(read_study(study))
        rows = list(_rows(screening, folder / "judged"))
        rows += list(_rows(_rejected(screening), folder / "rejected", suffix=" (rejected)"))
    programs = [program for program, _ in rows[0][1]]
    print("| object | " + " | ".join(programs) + " |")
    print("|---" * (len(programs) + 1) + "|")
    for label, cells in rows:
        print(f"| {label} | " + " | ".join(cell for _, cell in cells) + " |")
    return int(any("error" in cell for _, cells in rows for _, cell in cells))


def _rows(
    screening: Screening, folder: Path, *, suffix: str = ""
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    formats = [name for name in FORMATS if name.startswith("dicom-")]
    for path in write(screening, folder, formats):
        kind = pydicom.dcmread(path, stop_before_pixels=True).SOPClassUID.name
        size = path.stat().st_size / 1e6
        said = [
            (o.program, f"{len(o.problems)} errors" if o.problems else f"ok{_remarks(o.remarks)}")
            for o in opinions(path)
        ]
        yield f"{path.relative_to(folder)}{suffix}: {kind}, {size:.2f} MB", said


def _remarks(remarks: tuple[str, ...]) -> str:
    return f", {len(remarks)} warnings" if remarks else ""


def _rejected(screening: Screening) -> Screening:
    """The same study as if the gate had refused it."""
    finding = Finding(code="not-chest", severity="rejection", sentence="There are no lungs.")
    empty = replace(screening.prediction, probability={}, abstained="rejected by the gate")
    return replace(
        screening,
        gate=GateReport(findings=(finding,)),
        prediction=empty,
        slices=None,
        lesions=(),
        lesion_instances=(),
        explanation=None,
        lungs=None,
        involvement=None,
    )


def _phantom(folder: Path) -> Path:
    save_dicom(make_phantom(preset("covid", seed=1)).volume, folder)
    return folder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
