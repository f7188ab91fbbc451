"""Which images a viewer is sent to: key objects, rejection notes, secondary captures."""

from pathlib import Path

import numpy as np
import pydicom
from tests.writers.dicom_results import screened
from tests.writers.report_content import code, items

from ctsieve.types.results import Screening
from ctsieve.writers import dicom_ko, dicom_ko_rejected, dicom_sc
from ctsieve.writers._drawing import AMBER
from ctsieve.writers._layout import paragraphs
from ctsieve.writers.png import summary_picture


def test_key_objects_are_the_slices_that_decided(judged: Screening, tmp_path: Path) -> None:
    (path,) = dicom_ko.write(judged, tmp_path)
    ds = pydicom.dcmread(path)
    assert ds.ConceptNameCodeSequence[0].CodeValue == "113000"
    slices = judged.image.provenance.slices
    assert [i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in items(ds, "Source")] == [
        s.sop_instance_uid for s in (slices[i] for i in judged.top_slices) if s
    ]
    assert judged.notice in items(ds, "Key Object Description")[0].TextValue


def test_key_frames_of_a_multi_frame_study(tmp_path: Path) -> None:
    screening = screened("scan", tmp_path / "study", habit="multi-frame")
    (path,) = dicom_ko.write(screening, tmp_path)
    (item,) = items(pydicom.dcmread(path), "Source")
    slices = screening.image.provenance.slices
    expected = [s.frame + 1 for s in (slices[i] for i in screening.top_slices) if s]
    assert list(item.ReferencedSOPSequence[0].ReferencedFrameNumber) == expected


def test_only_a_rejection_note_asks_archives_to_hide_images(tmp_path: Path) -> None:
    """Archives hide what a document titled 113001 refers to (IHE IOCM)."""
    screening = screened("rejected", tmp_path / "study")
    (quality,) = dicom_ko.write(screening, tmp_path)
    (note,) = dicom_ko_rejected.write(screening, tmp_path)
    for path, title in ((quality, "113010"), (note, "113001")):
        ds = pydicom.dcmread(path)
        assert ds.ConceptNameCodeSequence[0].CodeValue == title
        assert code(ds, "Document Title Modifier") == "111209"
        assert len(items(ds, "Source")) == len(screening.image.provenance.slices)
        assert "There are no lungs." in items(ds, "Key Object Description")[0].TextValue


def test_nothing_is_rejected_that_was_judged(judged: Screening, tmp_path: Path) -> None:
    assert dicom_ko_rejected.write(judged, tmp_path) == []


def test_pages_are_the_pictures_with_the_notice_on_each(judged: Screening, tmp_path: Path) -> None:
    paths = dicom_sc.write(judged, tmp_path)
    names = [path.name for path in paths]
    assert names[:2] == ["summary.dcm", "montage.dcm"]
    assert names[2:] == [f"slice-{i + 1:03d}.dcm" for i in judged.top_slices]
    pages = [pydicom.dcmread(path) for path in paths]
    assert [int(ds.InstanceNumber) for ds in pages] == list(range(1, len(pages) + 1))
    assert np.array_equal(pages[0].pixel_array, np.asarray(summary_picture(judged)))
    notice = np.asarray(paragraphs([judged.notice], width=700, size=18, fill=AMBER))
    for ds in pages:
        assert shows(ds.pixel_array, notice)
        assert ds.BurnedInAnnotation == "NO"


def shows(page: np.ndarray, part: np.ndarray) -> bool:
    """Whether `part`, cut to its ink, stands in the upper left of `page`."""
    rows, columns = np.flatnonzero(part.any(axis=(1, 2))), np.flatnonzero(part.any(axis=(0, 2)))
    ink = part[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape[:2]
    return any(
        np.array_equal(page[top : top + height, left : left + width], ink)
        for top in range(60)
        for left in range(40)
    )
