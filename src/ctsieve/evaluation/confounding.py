"""How well facts that are not disease tell a label: cross-validated AUCs with intervals.

A small ridge logistic regression is trained on one fact (file extension, size, ...) without one
fold of the patients and scores that fold.  Scores of different folds are not compared: each fold
has a base rate of its own, and comparing them would pull the AUC of a useless fact below one half
(Forman and Scholz, SIGKDD Explorations 12 (2010) 49).  So the AUC counts pairs within folds.

Sources  Ridge logistic regression: le Cessie and van Houwelingen, Applied Statistics 41 (1992) 191.
         Bootstrap over patients: Efron and Tibshirani 1993, chapter 13.

Shapes   N cases, F features, K folds, P principal components.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from ctsieve.types.promise import promise
from ctsieve.types.report import Figure

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Folds = npt.NDArray[np.int64]

BINS = 8
"""A number is also offered as this many equal shares, so that it need not act along a line."""
COMPONENTS = 24
"""Principal components of small pictures."""
RIDGE = 1.0
"""Weight of the squared coefficients, in cases."""
DRAWS = 1000
LARGEST = 10_000_000
"""Weights of cases that are held at once."""


def word_features(words: Sequence[str]) -> Floats:
    """One column (N, F) for each word."""
    values, index = np.unique(np.array(words, dtype=np.str_), return_inverse=True)
    return np.eye(len(values))[index]


def number_features(numbers: Sequence[tuple[float, ...] | None]) -> Floats:
    """Columns (N, F): each number standardised and in `BINS` shares, and whether there is one."""
    known = np.array([row is not None for row in numbers])
    width = max((len(row) for row in numbers if row is not None), default=0)
    table = np.zeros((len(numbers), width))
    table[known] = [row for row in numbers if row is not None]
    columns = [known[:, None].astype(np.float64)]
    for values in table.T:
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, BINS + 1)[1:-1]))
        shares = np.eye(len(edges) + 1)[np.searchsorted(edges, values, side="right")]
        spread = float(values[known].std()) or 1.0
        columns.append(np.where(known, (values - values[known].mean()) / spread, 0.0)[:, None])
        columns.append(shares * known[:, None])
    return np.concatenate(columns, axis=1)


def picture_features(pictures: npt.NDArray[np.float32]) -> Floats:
    """The leading principal components (N, P) of small pictures (N, F), each of unit spread."""
    centred = pictures.astype(np.float64) - pictures.mean(axis=0, dtype=np.float64)
    _, _, axes = np.linalg.svd(centred.T @ centred)
    kept = centred @ axes[: min(COMPONENTS, len(pictures))].T
    spread = kept.std(axis=0)
    return np.asarray(kept / np.where(spread > 1e-9, spread, 1.0))


def held_out_scores(features: Floats, positive: Bools, fold: Folds) -> Floats:
    """The log odds (N,) that a model gives each case which was trained without its fold."""
    score = np.zeros(len(features))
    for held in np.unique(fold):
        train = fold != held
        weights = _fit(features[train], positive[train])
        score[~train] = features[~train] @ weights[:-1] + weights[-1]
    return score


def _fit(features: Floats, positive: Bools) -> Floats:
    """Ridge logistic regression: coefficients (F,) and the intercept, which is not shrunk."""
    design = np.column_stack([features, np.ones(len(features))])
    shrink = np.append(np.full(features.shape[1], RIDGE), 0.0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds = design @ weights
        value = np.logaddexp(0.0, np.where(positive, -odds, odds)).sum()
        slope = design.T @ (special.expit(odds) - positive) + shrink * weights
        return float(value + 0.5 * (shrink * weights**2).sum()), slope

    start = np.zeros(design.shape[1])
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B")
    return np.asarray(found.x)


def within_folds_auc(
    score: Floats, positive: Bools, fold: Folds, patients: npt.NDArray[np.str_], *, seed: int = 0
) -> Figure | None:
    """AUC over the pairs within each fold, with a 95 % interval over patients drawn within folds.

    None where no fold holds both kinds.
    """
    random = np.random.default_rng(seed)
    won, pairs = np.zeros(DRAWS + 1), np.zeros(DRAWS + 1)
    for held in np.unique(fold):
        mine = fold == held
        times, index = _times(patients[mine], random)
        size = max(1, LARGEST // len(index))
        for start in range(0, DRAWS + 1, size):
            rows = slice(start, start + size)
            weight = times[rows][:, index]
            more_won, more_pairs = _placements(score[mine], positive[mine], weight)
            won[rows] += more_won
            pairs[rows] += more_pairs
    if pairs[0] == 0.0:
        return None
    drawn = won[1:][pairs[1:] > 0.0] / pairs[1:][pairs[1:] > 0.0]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Figure(
        value=float(won[0] / pairs[0]),
        low=float(low),
        high=float(high),
        num_cases=len(score),
        num_patients=len(np.unique(patients)),
    )


def _times(
    patients: npt.NDArray[np.str_], random: np.random.Generator
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """How often each patient comes up (1 + DRAWS, p), first once each; and each case's patient."""
    _, index = np.unique(patients, return_inverse=True)
    count = int(index.max()) + 1
    drawn = random.multinomial(count, np.full(count, 1.0 / count), size=DRAWS)
    return np.concatenate([np.ones((1, count)), drawn]), index


def _placements(score: Floats, positive: Bools, weight: Floats) -> tuple[Floats, Floats]:
    """For every row of weights: weighted pairs won by the positive (ties half), and all pairs."""
    promise(weight.shape[1] == len(score), "one weight per case")
    # Rounded, so that sums in another order do not break ties.
    _, group = np.unique(np.round(score, 9), return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(int(group.max()) + 1))
    ups = np.add.reduceat(weight[:, order] * positive[order], starts, axis=1)
    downs = np.add.reduceat(weight[:, order] * ~positive[order], starts, axis=1)
    below = np.cumsum(downs, axis=1) - downs / 2
    return (ups * below).sum(axis=1), ups.sum(axis=1) * downs.sum(axis=1)
