"""Which image each frame was made from (PS3.3 C.7.6.16.2.6): what viewers lay the frame over.

highdicom names sources only where every frame has one.  Where the reader filled a missing slice,
the frames of all other slices still have theirs, and they are named here.
"""

import numpy as np
from highdicom import SOPClass
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from ctsieve.types.provenance import SliceSource
from ctsieve.writers._dicom.codes import IMAGE_PROCESSING, Concept
from ctsieve.writers._dicom.objects import coded
from ctsieve.writers._dicom.study import Source


def name_sources(made: SOPClass, source: Source, derivation: Concept) -> None:
    """Name the source image of every frame that has one and does not say so yet."""
    places = np.array([source.grid.position(i) for i in range(source.grid.shape[0])])
    for frame in made.PerFrameFunctionalGroupsSequence:
        if frame.get("DerivationImageSequence"):
            continue
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        here = np.array([float(v) for v in position])
        index = int(np.linalg.norm(places - here, axis=1).argmin())
        image = source.volume.provenance.slices[index]
        if image is not None:
            frame.DerivationImageSequence = Items([_derivation(source, image, derivation)])


def _derivation(source: Source, image: SliceSource, derivation: Concept) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.header.sop_class
    reference.ReferencedSOPInstanceUID = image.sop_instance_uid
    reference.PurposeOfReferenceCodeSequence = Items([coded(IMAGE_PROCESSING)])
    reference.SpatialLocationsPreserved = "YES"
    if source.header.num_frames > 1:
        reference.ReferencedFrameNumber = image.frame + 1
    item = Dataset()
    item.DerivationCodeSequence = Items([coded(derivation)])
    item.SourceImageSequence = Items([reference])
    return item
