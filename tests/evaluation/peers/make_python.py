"""Reference numbers of Python packages for the cases beside this file, as JSON.

    python tests/evaluation/peers/make_python.py > tests/evaluation/peers/python.json

in an environment of its own with pauc, MLstatkit, statsmodels, dcurves, netcal and MAPIE: the tests
read python.json only.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pauc
from dcurves import dca
from mapie.classification import SplitConformalClassifier
from MLstatkit import Delong_test
from netcal.metrics import ECE
from sklearn.base import BaseEstimator, ClassifierMixin
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

PACKAGES = ("pauc", "MLstatkit", "statsmodels", "dcurves", "netcal", "MAPIE")
THRESHOLDS = (0.05, 0.1, 0.2, 0.4, 0.6)
CUT = 0.5


class Given(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier whose only feature is its own probability."""

    def fit(self, x: np.ndarray, _y: np.ndarray) -> "Given":
        """Nothing is learned."""
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = x.shape[1]
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """The feature as the probability of class 1."""
        return np.column_stack([1 - x[:, 0], x[:, 0]])

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The likelier class."""
        return (x[:, 0] >= CUT).astype(int)


def one(positive: np.ndarray, score: np.ndarray) -> dict[str, float | list[float]]:
    curve = pauc.ROC(positive, score)
    low, high = pauc.ci_auc(curve)
    called = score >= CUT
    hits, total = int((called & (positive == 1)).sum()), int(positive.sum())
    wilson = proportion_confint(hits, total, method="wilson")
    table = dca(
        data=pd.DataFrame({"outcome": positive, "model": score}),
        outcome="outcome",
        modelnames=["model"],
        thresholds=THRESHOLDS,
    )
    benefit = {
        kind: [float(v) for v in table[table.model == kind].sort_values("threshold").net_benefit]
        for kind in ("model", "all")
    }
    return {
        "auc": float(curve.auc),
        "low": float(low),
        "high": float(high),
        "sensitivity_low": float(wilson[0]),
        "sensitivity_high": float(wilson[1]),
        "ece": float(ECE(bins=10).measure(score, positive)),
        "net_benefit": benefit["model"],
        "net_benefit_all": benefit["all"],
    }


def both(positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    z, p = Delong_test(positive, first, second)[:2]
    right, other = (((score >= CUT) == (positive == 1)) for score in (first, second))
    table = [[(right & other).sum(), (right & ~other).sum()], [(~right & other).sum(), 0]]
    return {
        "z": float(z),
        "p": float(p),
        "pauc_p": float(
            pauc.compare(pauc.ROC(positive, first), pauc.ROC(positive, second)).p_value
        ),
        "mcnemar": float(mcnemar(table, exact=True).pvalue),
    }


def conformal(positive: np.ndarray, score: np.ndarray) -> dict[str, list[bool]]:
    """Whether each label is in the least ambiguous set of a grid of scores, label by label."""
    grid = np.linspace(0.005, 0.995, 100)[:, None]
    found = {}
    for label, name in enumerate(("negative", "positive")):
        own = positive == label
        method = SplitConformalClassifier(
            Given().fit(score[:, None], positive), confidence_level=0.9, prefit=True
        )
        method.conformalize(score[own][:, None], positive[own])
        found[name] = method.predict_set(grid)[1][:, label, 0].astype(bool).tolist()
    return found


def main() -> None:
    cases = pd.read_csv(Path(__file__).with_name("cases.csv"))
    sets: dict[str, dict[str, Any]] = {}
    for name, own in cases.groupby("set", sort=False):
        positive, first, second = (own[c].to_numpy() for c in ("positive", "first", "second"))
        sets[name] = {
            "first": one(positive, first),
            "second": one(positive, second),
            "pair": both(positive, first, second),
            "conformal": conformal(positive, first),
        }
    p = [found["pair"]["p"] for found in sets.values()]
    result = {
        "made_with": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "thresholds": THRESHOLDS,
        "holm": dict(zip(sets, multipletests(p, method="holm")[1].tolist(), strict=True)),
        "sets": sets,
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
