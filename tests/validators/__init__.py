"""Other people's programs that judge DICOM objects, and what they say of ours."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pydicom
import pytest
from highdicom import imread
from highdicom.ko import KeyObjectSelectionDocument
from highdicom.seg import segread
from highdicom.sr import srread

VALIDATE: Final = "dciodvfy"
"""Of dicom3tools (Debian: dicom3tools): checks an object against its IOD."""
DUMP: Final = "dcmdump"
"""Of dcmtk (Debian: dcmtk): reads every element."""
DUMP_REPORT: Final = "dsrdump"
"""Of dcmtk: reads and checks structured reports and key objects."""
REPORTS: Final = frozenset({"SR", "KO"})

needs_validate = pytest.mark.skipif(
    shutil.which(VALIDATE) is None, reason="dciodvfy is not installed (Debian: dicom3tools)"
)
needs_dump = pytest.mark.skipif(
    shutil.which(DUMP) is None, reason="dcmdump is not installed (Debian: dcmtk)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one program says of one object: `problems` are errors, `remarks` are warnings."""

    program: str
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def opinions(path: Path) -> list[Opinion]:
    """What every program at hand says of the object at `path`."""
    programs = {VALIDATE: validated, DUMP: dumped, DUMP_REPORT: report_dumped}
    found = [judge(path) for name, judge in programs.items() if shutil.which(name)]
    return [*found, read_by_pydicom(path), read_by_highdicom(path)]


def validated(path: Path) -> Opinion:
    """dciodvfy; what only concerns a DICOMDIR or codes it does not know is a remark."""
    lines = _run(VALIDATE, str(path))
    return Opinion(
        program=VALIDATE,
        problems=tuple(line for line in lines if line.startswith(("Error", "Abort"))),
        remarks=tuple(line for line in lines if line.startswith("Warning")),
    )


def dumped(path: Path) -> Opinion:
    """dcmdump, which stops at an element it cannot read."""
    return _complaints(DUMP, "-ll", "error", str(path))


def report_dumped(path: Path) -> Opinion:
    """Dsrdump of a report; nothing is said of other objects."""
    if pydicom.dcmread(path, stop_before_pixels=True).Modality not in REPORTS:
        return Opinion(program=DUMP_REPORT, problems=())
    return _complaints(DUMP_REPORT, "-ll", "error", str(path))


def read_by_pydicom(path: Path) -> Opinion:
    """Pydicom reads every element, and the pixels where there are any."""
    ds = pydicom.dcmread(path)
    for _ in ds.iterall():
        pass
    if "Rows" in ds:
        return Opinion(program="pydicom", problems=() if ds.pixel_array.size else ("no pixels",))
    return Opinion(program="pydicom", problems=())


def read_by_highdicom(path: Path) -> Opinion:
    """Highdicom's own reader of the kind of object."""
    kind = pydicom.dcmread(path, stop_before_pixels=True).Modality
    if kind == "SEG":
        segread(path)
    elif kind == "SR":
        srread(path)
    elif kind == "KO":
        KeyObjectSelectionDocument.from_dataset(pydicom.dcmread(path))
    else:
        imread(path)
    return Opinion(program="highdicom", problems=())


def _complaints(program: str, *arguments: str) -> Opinion:
    done = subprocess.run([program, *arguments], capture_output=True, check=False)
    said = done.stderr.decode(errors="replace").splitlines()
    problems = [line for line in said if line.startswith(("E:", "F:"))]
    if done.returncode and not problems:
        problems = [f"exit code {done.returncode}"]
    return Opinion(program=program, problems=tuple(problems))


def _run(program: str, *arguments: str) -> list[str]:
    done = subprocess.run([program, *arguments], capture_output=True, check=False)
    return (done.stdout + done.stderr).decode(errors="replace").splitlines()
