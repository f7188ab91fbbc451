"""A synthetic chest becomes files: made, then written in the form that was asked for."""

import shutil
import tempfile
from pathlib import Path

from ctsieve.phantoms.chest import make_phantom
from ctsieve.phantoms.dicom import save_dicom
from ctsieve.phantoms.nifti import save_nifti
from ctsieve.phantoms.picture import save_stack
from ctsieve.phantoms.presets import preset
from ctsieve.phantoms.spec import LesionTruth
from ctsieve.types.errors import UnknownName, UsageError

FORMS = ("dicom", "nifti", "png")
"""Forms a phantom is written in."""


def make_study(
    out: Path,
    *,
    kind: str,
    seed: int,
    form: str,
    habit: str = "plain",
    size: tuple[int, int] = (60, 512),
) -> tuple[LesionTruth, ...]:
    """Write a phantom of `size` (slices, rows and columns) and return its lesions.

    `out` is a folder, or a .nii.gz file for NIfTI.  It must be new: a phantom is never mixed with
    other files.

    Raises:
        UnknownName: no such kind, form or habit.
        UsageError: `out` exists.
    """
    if form not in FORMS:
        raise UnknownName(f"there is no form {form!r}", hint=f"known: {', '.join(FORMS)}")
    if out.exists():
        raise UsageError(f"{out} exists", hint="give a new folder: a phantom is never mixed in")
    num_slices, matrix = size
    phantom = make_phantom(preset(kind, seed=seed, num_slices=num_slices, matrix=matrix))
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        if form == "nifti":
            save_nifti(phantom.volume, partial / "phantom.nii.gz").replace(out)
        else:
            study = partial / "study"
            if form == "dicom":
                save_dicom(phantom.volume, study, habit=habit)
            else:
                save_stack(phantom.volume, study)
            study.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return phantom.truth
