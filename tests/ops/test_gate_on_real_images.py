"""The gate on real chests and on what is none: skipped where the data are not at hand."""

from pathlib import Path

import pytest
from tests.ops.chest import exchanged

from ctsieve.ops.gate import gate
from ctsieve.readers import read_study
from ctsieve.types.volume import CTPicture


@pytest.mark.parametrize("name", ["P001", "cap001", "normal001"])
def test_real_chest_series_pass(data: Path, name: str) -> None:
    report = gate(read_study(data / "covid_ct_md" / name))
    assert set(report.reasons) <= {"thick-slices", "interpolated-slices"}


@pytest.mark.parametrize(
    ("name", "is_chest"),
    [
        ("tcga_single_dicom/ID_0015_AGE_0061_CONTRAST_1_CT.dcm", True),
        ("tcga_single_dicom/ID_0032_AGE_0061_CONTRAST_1_CT.dcm", True),
        ("tcga_single_dicom/ID_0045_AGE_0074_CONTRAST_1_CT.dcm", False),
        ("tcga_single_dicom/ID_0073_AGE_0074_CONTRAST_0_CT.dcm", False),
        ("tcga_single_dicom/ID_0078_AGE_0066_CONTRAST_0_CT.dcm", False),
        ("tcga_single_dicom/ID_0079_AGE_0071_CONTRAST_0_CT.dcm", False),
        ("tcga_single_dicom/ID_0089_AGE_0071_CONTRAST_0_CT.dcm", True),
        ("dicom_odd/693_J2KR.dcm", False),
        ("dicom_odd/J2K_pixelrep_mismatch.dcm", False),
        ("dicom_odd/explicit_VR-UN.dcm", False),
        ("lungmask_2slices/0.dcm", True),
        ("nifti/ts_pulm_ct_cropped.nii.gz", True),
    ],
)
def test_a_chest_is_told_from_what_is_none_as_a_reader_does(
    data: Path, name: str, is_chest: bool
) -> None:
    """Single slices of either kind are rejected; only those that show no lungs as no chest."""
    assert ("not-chest" not in gate(read_study(data / name)).reasons) == is_chest


@pytest.mark.parametrize("folder", ["covid_ct", "coronacases_slices", "medseg98/img"])
def test_chest_figures_are_warned_of_and_hardly_ever_rejected(data: Path, folder: str) -> None:
    files = sorted(p for p in (data / folder).rglob("*") if p.suffix in {".png", ".jpg"})[::20]
    verdicts = [gate(read_study(path)).verdict for path in files]
    assert verdicts.count("rejected") <= 0.02 * len(verdicts)


@pytest.mark.parametrize("folder", ["covid_ct", "luna16_slices"])
def test_most_chest_pictures_are_noticed_with_black_and_whiteexchanged(
    data: Path, folder: str
) -> None:
    files = sorted(p for p in (data / folder).rglob("*") if p.suffix in {".png", ".jpg"})[::30]
    pictures = [image for path in files if isinstance(image := read_study(path), CTPicture)]
    told = [set(gate(exchanged(picture)).reasons) for picture in pictures]
    noticed = [bool(codes & {"inverted", "perhaps-inverted", "not-chest"}) for codes in told]
    assert len(pictures) >= 10
    assert sum(noticed) >= 0.75 * len(noticed)
    assert sum("inverted" in codes for codes in told) >= 0.4 * len(told)
    plain = {code for picture in pictures for code in gate(picture).reasons}
    assert "inverted" not in plain
