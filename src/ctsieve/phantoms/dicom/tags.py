"""DICOM attributes of synthetic images (PS3.3 A.3 CT Image).

Every text that names a person or a place is a unique string ending in DONOTLEAK, so that a test can
search logs, results and exports for it.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from ctsieve.phantoms.dicom.stacks import Stack
from ctsieve.types.volume import CTVolume
from ctsieve.version import __version__

BIRTH_DATE = "19010203"
PLANTED = (
    "PHANTOM^DONOTLEAK",
    "PATIENT-ID-DONOTLEAK",
    "OTHER-ID-DONOTLEAK",
    "ACCESSION-DONOTL",
    "REFERRER^DONOTLEAK",
    "OPERATOR^DONOTLEAK",
    "INSTITUTION-DONOTLEAK",
    "ADDRESS-DONOTLEAK",
    "STATION-DONOTLEA",
    "COMMENT-DONOTLEAK",
    BIRTH_DATE,
)
"""Strings that no log, result or export may ever hold."""

DATE, TIME = "20200102", "030405"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How Hounsfield units become stored values: `hu = stored * slope + intercept`."""

    signed: bool = True
    bits: int = 16
    intercept: int = 0
    slope: int = 1
    padding: int | None = None
    """Stored value outside the circular field of view."""
    photometric: str = "MONOCHROME2"

    def stored(self, hu: npt.NDArray[np.int16]) -> npt.NDArray[np.int16 | np.uint16]:
        """The values in the file, clipped to what the bits can hold."""
        low = -(1 << (self.bits - 1)) if self.signed else 0
        high = low + (1 << self.bits) - 1
        values = np.rint((hu.astype(np.float64) - self.intercept) / self.slope)
        values = np.clip(values, low, high)
        if self.padding is not None:
            values[outside_field_of_view(hu.shape)] = self.padding
        return values.astype(np.int16 if self.signed else np.uint16)


def outside_field_of_view(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Pixels (rows, columns) outside the circle that touches the image's sides."""
    rows, columns = shape
    y = (np.arange(rows) - (rows - 1) / 2) / (rows / 2)
    x = (np.arange(columns) - (columns - 1) / 2) / (columns / 2)
    outside: npt.NDArray[np.bool_] = np.hypot(y[:, None], x[None]) > 1.0
    return outside


def uid_of(*parts: str) -> str:
    """A UID that is a function of `parts` (PS3.5 B.2: 2.25 and a number)."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:15], 'big')}"


def single_image(volume: CTVolume, stack: Stack, number: int, habit: str) -> Dataset:
    """A CT Image without pixels: image `number` (from 0) of the stack."""
    ds = study_and_series(volume, stack, habit)
    plane = stack.planes[number]
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = uid_of(ds.SeriesInstanceUID, str(number))
    ds.ImageType = list(stack.image_type)
    ds.InstanceNumber = number + 1
    ds.ImagePositionPatient = [decimal(v) for v in plane.position]
    ds.ImageOrientationPatient = [decimal(v) for v in (*stack.across, *stack.down)]
    ds.PixelSpacing = [decimal(v) for v in stack.spacing_mm]
    ds.SliceThickness = decimal(stack.step_mm)
    ds.SpacingBetweenSlices = decimal(stack.step_mm)
    ds.SliceLocation = decimal(float(plane.position[2]))
    ds.AcquisitionDate, ds.AcquisitionTime = DATE, TIME
    ds.KVP = "120"
    ds.ConvolutionKernel = "B40s"
    ds.GantryDetectorTilt = decimal(stack.tilt_degrees)
    ds.AcquisitionNumber = 1
    if volume.provenance.acquisition.contrast:
        ds.ContrastBolusAgent = "Iodine"
    ds.WindowCenter, ds.WindowWidth = "-600", "1500"
    return ds


def study_and_series(volume: CTVolume, stack: Stack, habit: str) -> Dataset:
    """What all images of a series share: patient, study, series, equipment."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.PatientID, other = PLANTED[:3]
    ds.OtherPatientIDsSequence = DicomSequence([item(PatientID=other, TypeOfPatientID="TEXT")])
    ds.AccessionNumber, ds.ReferringPhysicianName, ds.OperatorsName = PLANTED[3:6]
    ds.InstitutionName, ds.InstitutionAddress, ds.StationName, ds.PatientComments = PLANTED[6:10]
    ds.PatientBirthDate, ds.PatientSex = BIRTH_DATE, "O"
    ds.StudyInstanceUID = uid_of(volume.provenance.digest)
    ds.SeriesInstanceUID = uid_of(volume.provenance.digest, habit, stack.role)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = TIME
    ds.StudyID = "1"
    ds.SeriesNumber = {"localiser": 1, "axial": 2, "coronal": 3}[stack.role]
    ds.SeriesDescription = f"Phantom {stack.role}"
    ds.StudyDescription = "Synthetic chest"
    ds.Modality, ds.BodyPartExamined = "CT", "CHEST"
    ds.PatientPosition = stack.patient_position
    ds.Manufacturer, ds.ManufacturerModelName = "ctsieve", "phantom"
    ds.SoftwareVersions, ds.DeviceSerialNumber = __version__, "1"
    ds.FrameOfReferenceUID = volume.geometry.frame
    ds.PositionReferenceIndicator = ""
    ds.PatientIdentityRemoved = "NO"
    ds.BurnedInAnnotation = "NO"
    return ds


def put_pixels(ds: Dataset, values: npt.NDArray[np.int16 | np.uint16], how: Encoding) -> None:
    """Set Image Pixel attributes and little-endian pixels (rows, columns) or (frames, ...)."""
    ds.Rows, ds.Columns = values.shape[-2:]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = how.photometric
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, how.bits, how.bits - 1
    ds.PixelRepresentation = int(how.signed)
    if how.padding is not None:
        ds.add_new("PixelPaddingValue", "SS" if how.signed else "US", how.padding)
    ds.PixelData = values.astype("<i2" if how.signed else "<u2").tobytes()
    ds["PixelData"].VR = "OW"


def file_meta(ds: Dataset, syntax: UID = ExplicitVRLittleEndian) -> FileMetaDataset:
    """The file meta information of an instance, the same for every version of pydicom."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = UID(uid_of("ctsieve phantom"))
    return meta


def decimal(value: float) -> str:
    """A decimal string of at most 16 characters (PS3.5 6.2, DS)."""
    text = f"{value:.10g}" if abs(value) > 1e-9 else "0"
    return text if len(text) <= 16 else f"{value:.8g}"


def item(**attributes: object) -> Dataset:
    """A sequence item with these attributes."""
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds
