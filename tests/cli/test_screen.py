"""What `ctsieve screen` says of a result in a few lines."""

from tests.writers.screenings import abstained, rejected, scan, three_labels

from ctsieve.cli.screen import _summary

UNCALIBRATED = "not calibrated"


def test_what_is_not_calibrated_is_said_to_be_so() -> None:
    said = _summary(three_labels())
    assert "other_pneumonia: 0.820 (at or above its threshold 0.550)" in said
    assert UNCALIBRATED in said
    assert UNCALIBRATED not in _summary(scan())


def test_an_abstention_is_said_with_its_reason_and_a_rejection_without_numbers() -> None:
    assert "no call: probability 0.52 lies in the uncertain band" in _summary(abstained())
    said = _summary(rejected())
    assert "  - not-chest: There are no lungs." in said
    assert UNCALIBRATED not in said
