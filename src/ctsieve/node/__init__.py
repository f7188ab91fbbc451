"""SHELL: the DICOM node: receives studies, has them screened, sends the results back."""
