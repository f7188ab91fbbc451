"""What the DICOM formats share: the study they belong to, codes, UIDs, places, segments."""
