"""Codes of everything that results say, each with where it comes from.

Source   PS3.16 (DCM, and the part of SNOMED CT that DICOM lists); what they have no code for is in
         the private scheme 99CTSIEVE (PS3.16 8.2: private designators begin with 99).
"""

from typing import Final, NamedTuple

from ctsieve.types.results import LesionFlag, Prediction, Verdict
from ctsieve.writers._dicom.uids import uid_of
from ctsieve.writers._words import label_name, lesion_name

PRIVATE: Final = "99CTSIEVE"
PRIVATE_UID: Final = uid_of("coding scheme", PRIVATE)
"""Names the private scheme where designators are not enough (DICOM header, FHIR)."""

MOST_MEANING: Final = 64
"""Characters of a Code Meaning (PS3.5 6.2, LO)."""


class Concept(NamedTuple):
    """A code: `value` in the scheme `scheme`, and what it means in English."""

    value: str
    scheme: str
    meaning: str


LABELS: Final = {
    "covid19": Concept("840539006", "SCT", "COVID-19"),
}
LESIONS: Final = {
    lesion_name("crazy_paving"): Concept("crazy-paving", PRIVATE, "Crazy-paving pattern"),
    lesion_name("ggo"): Concept("112120", "DCM", "Ground glass opacity"),
    lesion_name("consolidation"): Concept("95436008", "SCT", "Lung consolidation"),
    lesion_name("air_bronchogram"): Concept("112071", "DCM", "Air bronchogram"),
    lesion_name("septal_thickening"): Concept("112114", "DCM", "Septal line(s)"),
}
"""Crazy paving has a code in neither DCM nor the listed part of SNOMED CT: a private one."""

LUNG: Final = Concept("39607008", "SCT", "Lung")
BILATERAL: Final = Concept("51440002", "SCT", "Bilateral")
ANATOMICAL_STRUCTURE: Final = Concept("91723000", "SCT", "Anatomical Structure")
ABNORMAL_STRUCTURE: Final = Concept("49755003", "SCT", "Morphologically Abnormal Structure")

CHEST_CT: Final = Concept("169069000", "SCT", "CT of chest")
ENGLISH: Final = Concept("en", "RFC5646", "English")
PROBABILITY: Final = Concept("122157", "DCM", "Probability")
THRESHOLD: Final = Concept("122411", "DCM", "Threshold Value")
VOLUME: Final = Concept("118565006", "SCT", "Volume")
MILLILITRE: Final = Concept("ml", "UCUM", "milliliter")
PERCENT: Final = Concept("%", "UCUM", "percent")
NO_UNITS: Final = Concept("1", "UCUM", "no units")
PRESENT: Final = Concept("52101004", "SCT", "Present")
ABSENT: Final = Concept("272519000", "SCT", "Absent")
COMMENT: Final = Concept("121106", "DCM", "Comment")
QUALITY_FINDING: Final = Concept("111052", "DCM", "Quality Finding")
SERIES_QUALITY: Final = Concept("130550", "DCM", "Imaging Series Quality")
QUALITY: Final[dict[Verdict, Concept]] = {
    "accepted": Concept("111237", "DCM", "Usable - Meets the quality control standard"),
    "accepted_with_warnings": Concept(
        "111236", "DCM", "Usable - Does not meet the quality control standard"
    ),
    "rejected": Concept("111235", "DCM", "Unusable - Quality renders image unusable"),
}
"""What the gate says, in CID 6044."""

IMAGE_PROCESSING: Final = Concept("121322", "DCM", "Source image for image processing operation")
CALCULATION: Final = Concept("112187", "DCM", "Unspecified method of calculation")
SEGMENTATION: Final = Concept("113076", "DCM", "Segmentation")
INTELLIGENCE: Final = Concept("123110", "DCM", "Artificial Intelligence")
MORPHOLOGY: Final = Concept("123104", "DCM", "Morphological Operations")
GRADIENT_ACTIVATION: Final = Concept("130403", "DCM", "Gradient-weighted class activation")
SALIENCY: Final = Concept("130404", "DCM", "Saliency")

OF_INTEREST: Final = Concept("113000", "DCM", "Of Interest")
QUALITY_ISSUE: Final = Concept("113010", "DCM", "Quality Issue")
REJECTED: Final = Concept("113001", "DCM", "Rejected for Quality Reasons")
TITLE_MODIFIER: Final = Concept("113011", "DCM", "Document Title Modifier")
OTHER_FAILURE: Final = Concept("111220", "DCM", "Other failure")
REASONS: Final = {
    "localiser": Concept("111209", "DCM", "Positioning"),
    "not-chest": Concept("111209", "DCM", "Positioning"),
    "not-hu": Concept("111219", "DCM", "Inappropriate image processing"),
}
"""Codes of the gate in CID 7011; the others are `OTHER_FAILURE`."""

SCORE: Final = Concept("score", PRIVATE, "Score, not calibrated")
CALL: Final = Concept("call", PRIVATE, "Call of the program")
ABOVE: Final = Concept("above-threshold", PRIVATE, "At or above the threshold")
BELOW: Final = Concept("below-threshold", PRIVATE, "Below the threshold")
NO_CALL: Final = Concept("no-call", PRIVATE, "No call: the program abstains")
DENSE_SHARE: Final = Concept("dense-share", PRIVATE, "Share of the lungs above -700 HU")
DENSE_VOLUME: Final = Concept("dense-volume", PRIVATE, "Volume of the lungs above -700 HU")
LUNG_SHARE: Final = Concept("lung-share", PRIVATE, "Share of the lungs in lesions of this kind")
LESION_COUNT: Final = Concept("lesion-count", PRIVATE, "Number of lesions of this kind")


def label_concept(label: str) -> Concept:
    """The code of a label; a private one where no standard code means just that."""
    return LABELS.get(label) or private(label, label_name(label))


def lesion_concept(kind: str) -> Concept:
    """The code of a kind of lesion; a private one where there is none.

    Example:
        >>> lesion_concept("GGO").value, lesion_concept("crazy_paving").scheme
        ('112120', '99CTSIEVE')
    """
    return LESIONS.get(lesion_name(kind)) or private(kind, lesion_name(kind))


def call_concept(prediction: Prediction, label: str) -> Concept:
    """What the program says of one label."""
    if prediction.abstained is not None:
        return NO_CALL
    return ABOVE if label in prediction.positive else BELOW


def presence(flag: LesionFlag) -> Concept:
    """Whether a kind of lesion was flagged."""
    return PRESENT if flag.present else ABSENT


def score_concept(*, calibrated: bool) -> Concept:
    """What a number between 0 and 1 is: a probability only when it was calibrated."""
    return PROBABILITY if calibrated else SCORE


def private(value: str, meaning: str) -> Concept:
    """A code of the private scheme."""
    return Concept(value.lower().replace("_", "-"), PRIVATE, meaning[:MOST_MEANING])
