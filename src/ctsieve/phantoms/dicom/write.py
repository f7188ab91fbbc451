"""Write a CT volume as DICOM files with the habits of a scanner or an archive."""

from pathlib import Path

import numpy as np
from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from ctsieve.phantoms.dicom.enhanced import enhanced_image
from ctsieve.phantoms.dicom.habits import HABITS, Habit, shuffled_numbers
from ctsieve.phantoms.dicom.stacks import Stack
from ctsieve.phantoms.dicom.tags import file_meta, put_pixels, single_image
from ctsieve.types.errors import UnknownName, UsageError
from ctsieve.types.volume import CTVolume

MIN_J2K_PIXELS = 32
"""OpenJPEG's six resolutions need this much."""


def save_dicom(volume: CTVolume, folder: Path, *, habit: str = "plain") -> list[Path]:
    """Write `volume` into `folder` (made if absent) and return the files, in no useful order.

    UIDs are a function of the volume and the habit, so the same call writes the same bytes.

    Raises:
        UnknownName: there is no such habit.
        UsageError: the slices are too small to be compressed.
    """
    if habit not in HABITS:
        raise UnknownName(f"there is no habit called {habit!r}", hint=f"known: {', '.join(HABITS)}")
    chosen = HABITS[habit]
    if habit == "j2k" and min(volume.hu.shape[1:]) < MIN_J2K_PIXELS:
        raise UsageError(f"a slice of {volume.hu.shape[1:]} pixels is too small for JPEG 2000")
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    for stack in chosen.arrange(volume):
        if chosen.multi_frame:
            ds = enhanced_image(volume, stack, chosen.encoding, habit)
            files.append(_save(ds, folder / chosen.name(stack.role, 0), chosen))
            continue
        files += _save_slices(volume, stack, folder=folder, habit=habit)
    return files


def _save_slices(volume: CTVolume, stack: Stack, *, folder: Path, habit: str) -> list[Path]:
    chosen = HABITS[habit]
    numbers = shuffled_numbers(len(stack.planes))
    files = []
    for number, plane in enumerate(stack.planes):
        ds = single_image(volume, stack, number, habit)
        ds.RescaleIntercept, ds.RescaleSlope = chosen.encoding.intercept, chosen.encoding.slope
        ds.RescaleType = "HU"
        put_pixels(ds, chosen.encoding.stored(plane.hu), chosen.encoding)
        if chosen.identifiers == "shuffled":
            ds.InstanceNumber = numbers[number]
        if chosen.identifiers == "empty":
            ds.SOPInstanceUID = ""
            broken = DataElement("StudyInstanceUID", "UI", "no-uid", validation_mode=config.IGNORE)
            ds.add(broken)
        files.append(_save(ds, folder / chosen.name(stack.role, number), chosen))
        if chosen.copies > 1 and number == len(stack.planes) // 2:
            files += [
                _copy(files[-1], folder / f"copy-{k}-{files[-1].name}")
                for k in range(1, chosen.copies)
            ]
    return files


def _save(ds: Dataset, path: Path, habit: Habit) -> Path:
    """Write one file; compressed syntaxes need pydicom's optional encoders."""
    ds.preamble, ds.file_meta = b"\0" * 128, file_meta(ds)
    if habit.syntax.is_encapsulated:
        ds.compress(habit.syntax, generate_instance_uid=False)
    else:
        ds.file_meta.TransferSyntaxUID = habit.syntax
    if habit.syntax == ExplicitVRBigEndian:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
    ds.save_as(path, enforce_file_format=habit.identifiers != "empty")
    return path


def _copy(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    return target
