"""Occlusion finds what a network looks at, and tells a faithful map from a false one."""

from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from ctsieve.explain import occlusion
from ctsieve.ops.prepare import Prepared
from ctsieve.types.geometry import Geometry
from ctsieve.types.results import Explanation

Float32 = npt.NDArray[np.float32]
STUDY = Geometry.from_spacing((6, 32, 32), spacing=(5.0, 1.0, 1.0), frame="f")
X = np.random.default_rng(0).random((6, 1, 32, 32)).astype(np.float32)
PREPARED = Prepared(x=X, index=np.arange(6), grid=STUDY)
HERE = (slice(8, 12), slice(20, 24))


def corner(x: Float32) -> Float32:
    """A network that reads the variance of one cell."""
    return cast("Float32", x[:, 0, HERE[0], HERE[1]].var(axis=(1, 2)))


def of_scan(x: Float32) -> Float32:
    """A network of scans that reads the fourth slice only."""
    return cast("Float32", x[3:4].var(axis=(1, 2, 3)))


def explanation(where: tuple[slice, slice]) -> Explanation:
    heat = np.zeros(STUDY.shape, np.float16)
    heat[:, where[0], where[1]] = 1.0
    return Explanation(method="m", label="covid19", heat=heat, peak=1.0, geometry=STUDY)


def test_only_the_cell_that_counts_is_hot_and_the_peak_is_the_fall() -> None:
    shown = occlusion.explain(corner, PREPARED, STUDY, label="covid19")
    assert shown.peak == pytest.approx(float(corner(X).max()))
    outside = shown.heat.copy()
    outside[:, 6:14, 18:26] = 0
    assert not outside.any()


def test_a_network_of_scans_is_asked_slice_by_slice() -> None:
    shown = occlusion.explain(of_scan, PREPARED, STUDY, label="covid19")
    assert (shown.heat[3] == 1.0).all()
    assert not shown.heat[[0, 1, 2, 4, 5]].any()


def test_a_faithful_map_costs_more_than_chance_and_a_false_one_does_not() -> None:
    faithful = occlusion.faithfulness(corner, PREPARED, explanation(HERE), share=0.02)
    false = occlusion.faithfulness(
        corner, PREPARED, explanation((slice(24, 28), slice(0, 4))), share=0.02
    )
    assert faithful.share == pytest.approx(1 / 64)
    assert faithful.hottest == pytest.approx(float(corner(X).mean()))
    assert faithful.hottest > faithful.random
    assert false.hottest == pytest.approx(0.0)
