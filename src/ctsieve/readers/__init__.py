"""THE FRONT DOOR: the only place that opens images."""

from ctsieve.readers._dicom_elements import PARSE_ERRORS as PARSE_ERRORS
from ctsieve.readers._study import READERS as READERS
from ctsieve.readers._study import read_labels as read_labels
from ctsieve.readers._study import read_study as read_study

__all__ = ["PARSE_ERRORS", "READERS", "read_labels", "read_study"]
