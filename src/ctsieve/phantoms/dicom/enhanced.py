"""A stack as one Enhanced CT Image (PS3.3 A.38): everything a frame needs, shared or per frame."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage

from ctsieve.phantoms.dicom.stacks import Plane, Stack
from ctsieve.phantoms.dicom.tags import (
    DATE,
    TIME,
    Encoding,
    decimal,
    item,
    put_pixels,
    study_and_series,
    uid_of,
)
from ctsieve.types.volume import CTVolume

KIND = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]


def enhanced_image(volume: CTVolume, stack: Stack, how: Encoding, habit: str) -> Dataset:
    """All images of a stack in one instance, in the stack's order."""
    ds = study_and_series(volume, stack, habit)
    ds.SOPClassUID = EnhancedCTImageStorage
    ds.SOPInstanceUID = uid_of(ds.SeriesInstanceUID, "all")
    ds.InstanceNumber, ds.AcquisitionNumber = 1, 1
    ds.ImageType = KIND
    ds.NumberOfFrames = len(stack.planes)
    ds.AcquisitionDateTime, ds.AcquisitionDuration = DATE + TIME, 5.0
    ds.AcquisitionContextSequence = Sequence()
    ds.ContentQualification = "RESEARCH"
    ds.PixelPresentation, ds.VolumetricProperties = "MONOCHROME", "VOLUME"
    ds.VolumeBasedCalculationTechnique = "NONE"
    ds.PresentationLUTShape, ds.LossyImageCompression = "IDENTITY", "00"
    organisation = uid_of(ds.SeriesInstanceUID, "dimensions")
    index = item(
        DimensionOrganizationUID=organisation,
        DimensionIndexPointer=0x00209057,  # In-Stack Position Number
        FunctionalGroupPointer=0x00209111,  # Frame Content Sequence
    )
    ds.DimensionOrganizationSequence = Sequence([item(DimensionOrganizationUID=organisation)])
    ds.DimensionIndexSequence = Sequence([index])
    ds.SharedFunctionalGroupsSequence = Sequence([_shared(stack, how, organisation)])
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        [_frame(plane, number) for number, plane in enumerate(stack.planes)]
    )
    put_pixels(ds, np.stack([how.stored(plane.hu) for plane in stack.planes]), how)
    return ds


def _shared(stack: Stack, how: Encoding, name: str) -> Dataset:
    columns = stack.planes[0].hu.shape[1]
    groups = {
        "PixelMeasures": item(
            PixelSpacing=[decimal(v) for v in stack.spacing_mm],
            SliceThickness=decimal(stack.step_mm),
            SpacingBetweenSlices=decimal(stack.step_mm),
        ),
        "PlaneOrientation": item(
            ImageOrientationPatient=[decimal(v) for v in (*stack.across, *stack.down)]
        ),
        "PixelValueTransformation": item(
            RescaleIntercept=how.intercept, RescaleSlope=how.slope, RescaleType="HU"
        ),
        "CTImageFrameType": item(
            FrameType=KIND,
            PixelPresentation="MONOCHROME",
            VolumetricProperties="VOLUME",
            VolumeBasedCalculationTechnique="NONE",
        ),
        "FrameVOILUT": item(WindowCenter="-600", WindowWidth="1500"),
        "FrameAnatomy": item(
            FrameLaterality="B",
            AnatomicRegionSequence=Sequence(
                [item(CodeValue="51185008", CodingSchemeDesignator="SCT", CodeMeaning="Chest")]
            ),
        ),
        "IrradiationEventIdentification": item(IrradiationEventUID=uid_of(name, "irradiation")),
        **_scanner(columns, stack.spacing_mm),
    }
    return item(**{f"{keyword}Sequence": Sequence([group]) for keyword, group in groups.items()})


def _scanner(columns: int, spacing_mm: tuple[float, float]) -> dict[str, Dataset]:
    """How the scanner would have been set: invented, but a complete instance says it."""
    return {
        "CTAcquisitionType": item(
            AcquisitionType="SEQUENCED", ConstantVolumeFlag="NO", FluoroscopyFlag="NO"
        ),
        "CTAcquisitionDetails": item(
            RotationDirection="CW",
            RevolutionTime=0.5,
            SingleCollimationWidth=0.6,
            TotalCollimationWidth=38.4,
            TableHeight=150.0,
            GantryDetectorTilt="0",
            DataCollectionDiameter="500",
        ),
        "CTTableDynamics": item(TableSpeed=10.0),
        "CTPosition": item(
            TablePosition=0.0,
            DataCollectionCenterPatient=[0.0, 0.0, 0.0],
            ReconstructionTargetCenterPatient=[0.0, 0.0, 0.0],
        ),
        "CTGeometry": item(
            DistanceSourceToDetector="1085", DistanceSourceToDataCollectionCenter=595.0
        ),
        "CTReconstruction": item(
            ReconstructionAlgorithm="FILTER_BACK_PROJ",
            ConvolutionKernel="B40s",
            ConvolutionKernelGroup="STANDARD",
            ReconstructionDiameter=decimal(columns * spacing_mm[1]),
            ReconstructionPixelSpacing=list(spacing_mm),
            ReconstructionAngle=360.0,
            ImageFilter="NONE",
        ),
        "CTExposure": item(
            ExposureTimeInms=500.0,
            XRayTubeCurrentInmA=200.0,
            ExposureInmAs=100.0,
            ExposureModulationType="NONE",
        ),
        "CTXRayDetails": item(
            KVP="120", FocalSpots="1", FilterType="NONE", FilterMaterial="ALUMINUM"
        ),
    }


def _frame(plane: Plane, number: int) -> Dataset:
    content = item(
        StackID="1",
        InStackPositionNumber=number + 1,
        DimensionIndexValues=[number + 1],
        FrameAcquisitionNumber=1,
        FrameReferenceDateTime=DATE + TIME,
        FrameAcquisitionDateTime=DATE + TIME,
        FrameAcquisitionDuration=500.0,
    )
    place = item(ImagePositionPatient=[decimal(v) for v in plane.position])
    return item(FrameContentSequence=Sequence([content]), PlanePositionSequence=Sequence([place]))
