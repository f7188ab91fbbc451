"""Lesions found: outlined around what they are, counted as they were, in every format the same."""

import numpy as np
from scipy import ndimage
from tests.writers.screenings import instances, no_attention, sequence, unclassified

from ctsieve.writers._lesions import COLOURS, lesion_slice, outlines
from ctsieve.writers._pictures import whole
from ctsieve.writers._report import report
from ctsieve.writers.html import to_html
from ctsieve.writers.json import screening_to_dict


def test_an_outline_runs_around_the_lesion_and_leaves_it_visible() -> None:
    screening = instances()
    image = screening.image
    painted = outlines(screening, 12, whole(image.geometry), (128, 128))
    assert painted is not None
    for kind, colour in zip(("ggo", "consolidation"), COLOURS, strict=False):
        lesion = lesion_slice(screening, kind, 12)
        line = (painted[..., :3] == colour).all(axis=2) & (painted[..., 3] > 0)
        assert line.any()
        assert not (line & lesion).any()
        filled = ndimage.binary_fill_holes(line)
        assert filled is not None
        assert filled[lesion].all()
    assert outlines(screening, 0, whole(image.geometry), (128, 128)) is None


def test_json_and_report_say_the_same_of_lesions() -> None:
    screening = instances()
    document = screening_to_dict(screening)
    totals, found = document["lesion_totals"], document["lesion_instances"]
    assert isinstance(totals, list)
    assert isinstance(found, list)
    assert [(row["kind"], row["count"]) for row in totals] == [("ggo", 2), ("consolidation", 1)]
    assert totals[0]["ml"] == round(sum(r["ml"] for r in found if r["kind"] == "ggo"), 1)
    assert found[0]["start"] == [8, 50, 20]
    rows = report(screening).lesion_totals
    assert [row.count for row in rows] == [2, 1]
    assert rows[0].volume.startswith(f"{totals[0]['ml']}")
    assert "Lesions found" in to_html(screening)


def test_a_picture_has_lesions_and_no_millilitres() -> None:
    document = screening_to_dict(unclassified())
    totals, found = document["lesion_totals"], document["lesion_instances"]
    assert isinstance(totals, list)
    assert isinstance(found, list)
    assert totals[0]["ml"] is None
    assert found[0]["ml"] is None
    text = to_html(unclassified())
    assert "gives no class of the image" in text
    assert "Share of the lungs" not in text


def test_a_sequence_shows_shares_and_no_scores() -> None:
    text = to_html(sequence())
    assert "Share in the answer" in text
    assert "share in the answer" in text
    assert "Score of this slice" not in text
    assert "slice threshold" not in text
    slices = screening_to_dict(sequence())["slices"]
    assert isinstance(slices, list)
    assert all(row["probability"] == {} for row in slices)
    assert np.isclose(sum(row["weight"] for row in slices), 1.0, atol=1e-4)


def test_a_network_that_weighs_no_slices_is_not_said_to_have_chosen_some() -> None:
    text = to_html(no_attention())
    assert "Slices, evenly spaced" in text
    assert "Slices that decided most" not in text
    assert "hare in the answer" not in text
