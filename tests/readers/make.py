"""Tiny studies for the tests of the readers: any geometry, any header, a few kilobytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import nibabel
import numpy as np
import numpy.typing as npt
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian

from ctsieve.types.geometry import CANONICAL_AXES

nib: Any = nibabel
"""nibabel, whose annotations are half there."""

Affine = npt.NDArray[np.float64]
Volume = npt.NDArray[np.int16]

BACKGROUND = -1000
MARK = 1500


def upright(spacing: tuple[float, float, float] = (2.0, 0.7, 0.8)) -> Affine:
    """A canonical affine: slice 0 nearest the head."""
    affine = np.eye(4)
    affine[:3, :3] = CANONICAL_AXES * np.array(spacing)
    affine[:3, 3] = (-31.0, 17.0, 250.0)
    return affine


def marked(
    shape: tuple[int, int, int] = (9, 12, 14), at: tuple[int, int, int] = (2, 7, 4)
) -> Volume:
    """Air with one bright voxel."""
    hu = np.full(shape, BACKGROUND, np.int16)
    hu[at] = MARK
    return hu


def place(affine: Affine, at: Sequence[float]) -> npt.NDArray[np.float64]:
    """LPS millimetres of an index."""
    return np.asarray((affine @ np.array([*at, 1.0]))[:3])


def instance(hu: Volume, affine: Affine, *, number: int, **header: Any) -> FileDataset:  # noqa: ANN401
    """The DICOM image of slice `number`; `header` overrides keywords; None leaves one out."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    # Always of one length, so that files differ in nothing but what a test means to differ.
    meta.MediaStorageSOPInstanceUID = UID(f"2.25.1{uuid4().int % 10**30:030d}")
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    row, column = affine[:3, 1], affine[:3, 2]
    values: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "FrameOfReferenceUID": "1.2.3.4.5",
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PatientID": "patient-one",
        "PatientPosition": "HFS",
        "SeriesNumber": 1,
        "AcquisitionNumber": 1,
        "InstanceNumber": number + 1,
        "ImagePositionPatient": [f"{x:.6f}" for x in place(affine, (number, 0, 0))],
        "ImageOrientationPatient": [
            f"{x:.9f}" for axis in (column, row) for x in axis / np.linalg.norm(axis)
        ],
        "PixelSpacing": [f"{np.linalg.norm(axis):.6f}" for axis in (row, column)],
        "SliceThickness": f"{np.linalg.norm(affine[:3, 0]):.6f}",
        "RescaleSlope": "1",
        "RescaleIntercept": "-1024",
        "Rows": hu.shape[1],
        "Columns": hu.shape[2],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PixelData": (hu[number].astype(np.int32) + 1024).astype("<i2").tobytes(),
    }
    for keyword, value in {**values, **header}.items():
        if isinstance(value, DataElement):
            dataset.add(value)
        elif value is not None:
            setattr(dataset, keyword, value)
    return dataset


def series(hu: Volume, affine: Affine, **header: Any) -> list[FileDataset]:  # noqa: ANN401
    """One DICOM image per slice."""
    return [instance(hu, affine, number=n, **header) for n in range(len(hu))]


def save(datasets: Sequence[Dataset], folder: Path, *, stem: str = "image") -> Path:
    """Write files whose names say nothing of the slice order; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, dataset in enumerate(datasets):
        name = f"{stem}{(number * 7919) % 1000:03d}.dcm"
        dataset.save_as(folder / name, enforce_file_format=True)
    return folder


def multiframe(hu: Volume, affine: Affine, *, order: Sequence[int]) -> FileDataset:
    """An enhanced CT image with its frames in `order`."""
    dataset = instance(hu, affine, number=0, ImagePositionPatient=None, PixelSpacing=None)
    for keyword in ("ImageOrientationPatient", "RescaleSlope", "RescaleIntercept"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = EnhancedCTImageStorage
    dataset.NumberOfFrames = len(order)
    stored = (hu[list(order)].astype(np.int32) + 1024).astype("<i2")
    dataset.PixelData = stored.tobytes()
    example = instance(hu, affine, number=0)
    shared = Dataset()
    shared.PixelMeasuresSequence = _one(example, "PixelSpacing", "SliceThickness")
    shared.PlaneOrientationSequence = _one(example, "ImageOrientationPatient")
    shared.PixelValueTransformationSequence = _one(example, "RescaleSlope", "RescaleIntercept")
    dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
    frames = []
    for number in order:
        frame = Dataset()
        source = instance(hu, affine, number=number)
        frame.PlanePositionSequence = _one(source, "ImagePositionPatient")
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
    return dataset


def _one(source: Dataset, *keywords: str) -> DicomSequence:
    item = Dataset()
    for keyword in keywords:
        setattr(item, keyword, getattr(source, keyword))
    return DicomSequence([item])
