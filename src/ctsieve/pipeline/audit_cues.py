"""The facts of an audit that are no disease, each against every label."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ctsieve.evaluation.confounding import (
    held_out_scores,
    number_features,
    picture_features,
    within_folds_auc,
    word_features,
)
from ctsieve.ops.deal import deal
from ctsieve.ops.kin import kin
from ctsieve.pipeline.looks import Seen, extension
from ctsieve.types.audit import CueResult
from ctsieve.types.cases import Case

FOLDS = 5
"""Of the cross-validated AUCs; a label that fewer groups of patients have is not tested."""
MOST_LEVELS = 12
"""A fact with more values is not broken down by value."""
POSITIVE = "covid19"
WORDS = {
    "source": "The source",
    "file-extension": "The file name extension",
    "file-format": "The file format",
    "picture-mode": "The pixel mode (L is grey, RGB colour, RGBA transparent)",
    "scanner": "The scanner and kernel",
}
NUMBERS = {
    "picture-size": "The number of rows, columns and slices",
    "file-size": "The size of the file in bytes",
    "window": "The display window (shades of the whole picture)",
    "spacing": "The voxel spacing",
    "coloured-marks": "The share of coloured pixels (arrows, letters)",
}
AROUND = "What lies around the lungs (seen by a small model, the lungs painted over)"


def find_cues(seen: Seen, seed: int) -> Iterator[CueResult]:
    """Every fact that varies, against every label (of two labels, against one)."""
    labels = tested_labels(seen.cases)
    if not labels:
        return
    fold_of = {
        case.id: number
        for number, own in enumerate(
            deal(seen.cases, {f"{k}": 1.0 for k in range(FOLDS)}, seed=seed).values()
        )
        for case in own
    }
    fold = np.array([fold_of[case.id] for case in seen.cases])
    patients = np.array([case.patient for case in seen.cases])
    words = _words(seen)
    for cue, features in _features(seen, words).items():
        for label in labels:
            positive = np.array([case.label == label for case in seen.cases])
            score = held_out_scores(features, positive, fold)
            figure = within_folds_auc(score, positive, fold, patients, seed=seed)
            if figure is not None:
                yield CueResult(
                    cue=cue,
                    title=WORDS.get(cue) or NUMBERS.get(cue) or AROUND,
                    label=label,
                    figure=figure,
                    levels=_levels(words[cue], seen.cases) if cue in words else {},
                )


def tested_labels(cases: Sequence[Case]) -> list[str]:
    """Labels that enough groups of patients have and have not; of two opposite ones the first."""
    groups = kin(cases)
    labels = sorted({case.label for case in cases}, key=lambda label: (label != POSITIVE, label))
    enough = []
    for label in labels:
        have = sum(any(case.label == label for case in group) for group in groups)
        have_not = sum(any(case.label != label for case in group) for group in groups)
        if min(have, have_not) >= FOLDS:
            enough.append(label)
    return enough[:1] if len(labels) == 2 else enough


def _words(seen: Seen) -> dict[str, list[str]]:
    """Facts in words that are not the same for all cases."""
    words = {cue: [look.words.get(cue, "") for look in seen.looks] for cue in WORDS}
    words["source"] = [case.site for case in seen.cases]
    words["file-extension"] = [extension(case) for case in seen.cases]
    return {cue: values for cue, values in words.items() if len(set(values)) > 1}


def _features(seen: Seen, words: Mapping[str, Sequence[str]]) -> dict[str, npt.NDArray[np.float64]]:
    """Feature columns (N, F) of every fact that varies."""
    features = {cue: word_features(values) for cue, values in words.items()}
    for cue in NUMBERS:
        numbers = [look.numbers.get(cue) for look in seen.looks]
        if cue == "file-size":
            numbers = [(_log_bytes(case),) for case in seen.cases]
        if len(set(numbers)) > 1:
            features[cue] = number_features(numbers)
    features["around-the-lungs"] = picture_features(np.stack([k.around for k in seen.looks]))
    return features


def _log_bytes(case: Case) -> float:
    return math.log(1 + sum(path.stat().st_size for path in case.files) / len(case.files))


def _levels(values: Sequence[str], cases: Sequence[Case]) -> dict[str, dict[str, int]]:
    counts = Counter((value, case.label) for value, case in zip(values, cases, strict=True))
    if len({value for value, _ in counts}) > MOST_LEVELS:
        return {}
    levels: dict[str, dict[str, int]] = {}
    for (value, label), number in sorted(counts.items()):
        levels.setdefault(value, {})[label] = number
    return levels
