"""Which series is judged explains itself; patients are never mixed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
)
from tests.readers.make import Affine, Volume, save, series, upright

from ctsieve.readers import read_study
from ctsieve.readers._series import kernel_kind
from ctsieve.types.errors import InputRejected, MixedPatients
from ctsieve.types.provenance import SeriesChoice

THIN, THICK = (2.5, 0.7, 0.7), (7.5, 0.7, 0.7)


def plain(number: int) -> Volume:
    return np.full((number, 4, 5), -700, np.int16)


def numbered(
    number: int,
    slices: int,
    affine: Affine | None = None,
    **header: Any,  # noqa: ANN401
) -> list[FileDataset]:
    """A series of its own, with its number as part of its UID."""
    return series(
        plain(slices),
        upright(THIN) if affine is None else affine,
        **{
            "SeriesInstanceUID": f"1.2.{number}",
            "SeriesNumber": number,
            "StudyDate": "20200101",
            **header,
        },
    )


def chosen(choices: tuple[SeriesChoice, ...]) -> SeriesChoice:
    (choice,) = (c for c in choices if c.chosen)
    return choice


CORONAL = upright(THIN)[:, [1, 0, 2, 3]]

OTHERS: dict[str, tuple[list[FileDataset], str]] = {
    "localiser": (numbered(2, 9, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "localiser"),
    "coronal": (numbered(2, 60, CORONAL), "coronal"),
    "few": (numbered(2, 3), "only 3 slices"),
    "short": (numbered(2, 12), "covers only"),
    "mip": (numbered(2, 60, ImageType=["DERIVED", "SECONDARY", "MIP"]), "projection"),
    "head": (numbered(2, 60, BodyPartExamined="HEAD"), "body part HEAD"),
    "capture": (numbered(2, 60, SOPClassUID=SecondaryCaptureImageStorage), "secondary capture"),
    "pet": (
        numbered(2, 60, SOPClassUID=PositronEmissionTomographyImageStorage, Modality="PT"),
        "modality PT",
    ),
    "thick": (numbered(2, 20, upright(THICK)), "thinner slices"),
    "bone": (numbered(2, 50, ConvolutionKernel="B80f"), "better kernel"),
    "older": (numbered(2, 50, StudyDate="20190101", StudyInstanceUID="1.9"), "newer study"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_the_thin_axial_chest_series_is_chosen_and_says_why(other: str, tmp_path: Path) -> None:
    best = numbered(1, 50, ConvolutionKernel="B40f", BodyPartExamined="CHEST")
    rivals, reason = OTHERS[other]
    volume = read_study(save([*rivals, *best], tmp_path))
    choice = chosen(volume.provenance.choices)
    assert choice.series == "1.2.1"
    (left,) = (c for c in volume.provenance.choices if not c.chosen)
    assert any(reason in text for text in left.reasons), left.reasons
    assert choice.reasons


@pytest.mark.parametrize("other", ["localiser", "coronal", "few", "short", "mip", "head"])
def test_an_unfit_ct_alone_is_read_and_left_to_the_gate(other: str, tmp_path: Path) -> None:
    datasets, reason = OTHERS[other]
    volume = read_study(save(datasets, tmp_path))
    assert any(reason in text for text in chosen(volume.provenance.choices).reasons)


@pytest.mark.parametrize("part", ["CHEST", "THORAX", "TORAX", "TORAKS", "LUNGE", "CHESTABDPELVIS"])
def test_a_chest_in_other_languages_is_no_objection(part: str, tmp_path: Path) -> None:
    volume = read_study(save(numbered(1, 60, BodyPartExamined=part), tmp_path))
    assert chosen(volume.provenance.choices).reasons == ("the only CT series",)


def test_no_ct_at_all_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match=r"Hounsfield units: modality PT, not CT$"):
        read_study(save(OTHERS["pet"][0], tmp_path))


def test_a_ct_nobody_decodes_gives_way_to_one_that_is_decoded(tmp_path: Path) -> None:
    video = numbered(1, 50)
    for dataset in video:
        dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.100")
        dataset.PixelData = encapsulate([bytes(64)])
        dataset["PixelData"].VR = "OB"
    volume = read_study(save([*video, *numbered(2, 12)], tmp_path))
    assert chosen(volume.provenance.choices).series == "1.2.2"


@pytest.mark.parametrize(
    "header",
    [
        {"RescaleType": "Z_EFF"},
        {"RescaleSlope": "0"},
        {"ImageType": ["DERIVED", "PRIMARY", "PERFUSION", "RCBF"]},
        {"ModalityLUTSequence": [Dataset()]},
    ],
)
def test_other_units_are_refused(header: dict[str, Any], tmp_path: Path) -> None:
    what = "a perfusion map, not Hounsfield" if "ImageType" in header else "are not Hounsfield"
    with pytest.raises(InputRejected, match=what):
        read_study(save(numbered(1, 20, **header), tmp_path))


def test_a_better_series_that_cannot_be_placed_gives_way(tmp_path: Path) -> None:
    broken = numbered(1, 60)
    del broken[20:40]
    volume = read_study(save([*broken, *numbered(2, 20, upright(THICK))], tmp_path))
    choice = chosen(volume.provenance.choices)
    assert choice.series == "1.2.2"
    (left,) = (c for c in volume.provenance.choices if not c.chosen)
    assert any("missing" in reason for reason in left.reasons)


def test_two_patients_in_one_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MixedPatients, match="2 patients"):
        read_study(save([*numbered(1, 20), *numbered(2, 20, PatientID="another")], tmp_path))


def test_one_patient_may_be_spelt_two_ways(tmp_path: Path) -> None:
    first = numbered(1, 20, PatientName="DOE^JANE", PatientID="7")
    second = numbered(2, 30, PatientName="Doe^Jane^^", PatientID=" 7")
    assert read_study(save([*first, *second], tmp_path)).geometry.shape[0] == 30


def test_files_without_series_uid_are_one_series(tmp_path: Path) -> None:
    volume = read_study(save(numbered(1, 20, SeriesInstanceUID=None), tmp_path))
    assert volume.geometry.shape == (20, 4, 5)


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [
        *(("B30f", "soft"), ("D40s", "soft"), ("Br40d", "soft"), ("STANDARD", "soft")),
        *(("FC08", "soft"), ("B", "soft"), ("B60f", "lung"), ("Bl57d", "lung"), ("LUNG", "lung")),
        *(("FC51", "lung"), ("L", "lung"), ("YC", "lung"), ("B80s", "bone"), ("BONEPLUS", "bone")),
        *(("FC30", "bone"), ("Hr77", "bone"), (None, "unknown")),
    ],
)
def test_kernels_of_the_big_makers(kernel: str | None, kind: str) -> None:
    assert kernel_kind(kernel) == kind


@pytest.mark.parametrize(
    "keywords",
    [("FrameOfReferenceUID",), ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID")],
    ids=len,
)
def test_uids_made_anew_for_every_file_do_not_scatter_a_scan(
    keywords: tuple[str, ...], tmp_path: Path
) -> None:
    images = numbered(2, 60)
    for number, image in enumerate(images):
        for keyword in keywords:
            setattr(image, keyword, f"1.2.3.{number}")
    volume = read_study(save([*images, *numbered(9, 2)], tmp_path))
    assert volume.geometry.shape[0] == 60
    assert any("of its own" in step for step in volume.provenance.steps)
