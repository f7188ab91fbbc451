"""Samples and score tables that are made, not measured."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from ctsieve.evaluation.sample import Sample
from ctsieve.types.results import BundleIdentity
from ctsieve.types.scores import CaseScore, ScoreTable

BUNDLE = BundleIdentity(name="made", version="1", digest="0" * 64)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Scores with ties, labels of both kinds, several cases of a patient."""
    size = draw(st.integers(4, 60))
    score = draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
    positive = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    positive[0], positive[1] = True, False
    patient = draw(st.lists(st.integers(0, 20), min_size=size, max_size=size))
    return make_sample(np.array(score) / 9, positive, np.array(patient).astype(str))


def make_sample(
    probability: npt.ArrayLike,
    positive: npt.ArrayLike,
    patient: np.ndarray | None = None,
    threshold: float = 0.5,
) -> Sample:
    """A sample; without patients every case is its own."""
    truth = np.asarray(positive, dtype=np.bool_)
    own = np.arange(truth.size).astype(str)
    return Sample(
        probability=np.asarray(probability, dtype=np.float64),
        positive=truth,
        patient=own if patient is None else patient,
        threshold=np.full(truth.size, threshold),
    )


def normal_sample(seed: int, *, size: int = 200, apart: float = 1.5, each: int = 1) -> Sample:
    """Logits of two normal groups `apart`, `each` cases a patient, calibrated by construction."""
    random = np.random.default_rng(seed)
    positive = np.repeat(random.random(size) < 0.4, each)
    logit = apart * (random.normal(size=size * each) + apart * positive - apart / 2)
    logit += np.log(0.4 / 0.6)
    patient = np.repeat(np.arange(size), each).astype(str)
    return make_sample(1 / (1 + np.exp(-logit)), positive, patient)


def table_of(sample: Sample, *, side: str = "test", name: str = "made") -> ScoreTable:
    """The sample as a score table of a bundle that knows COVID-19."""
    rows = tuple(
        CaseScore(
            case=f"case-{i:04d}",
            patient=str(sample.patient[i]),
            site="here" if i % 2 else "there",
            label="covid19" if sample.positive[i] else "neither",
            side=side,
            scores={"covid19": float(sample.probability[i])},
            logits={"covid19": float(_logit(sample.probability[i]))},
            thresholds={"covid19": float(sample.threshold[i])},
            facts={"kernel": "soft" if i % 3 else "sharp"},
        )
        for i in range(sample.num_cases)
    )
    bundle = BundleIdentity(name=name, version="1", digest="0" * 64)
    return ScoreTable(bundle=bundle, labels=("covid19",), multi_label=True, rows=rows)


def _logit(probability: float) -> float:
    inside = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(inside / (1 - inside)))
