"""Synthetic volumes as DICOM studies with the habits of scanners and archives."""

from ctsieve.phantoms.dicom.habits import HABITS
from ctsieve.phantoms.dicom.tags import PLANTED
from ctsieve.phantoms.dicom.write import save_dicom

__all__ = ["HABITS", "PLANTED", "save_dicom"]
