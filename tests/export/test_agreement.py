"""Which images tell a difference between graph and network from an order that is anybody's."""

import numpy as np
import pytest

from ctsieve.export.agreement import clear_order

A, B, NOTHING = [0, 0, 9, 9], [5, 5, 8, 8], [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("scores", "boxes", "clear"),
    [
        ([0.9, 0.5, 0.0, 0.0], [A, B, NOTHING, NOTHING], True),
        ([0.5, 0.9, 0.5, 0.9], [A, B, A, B], True),  # repeated, in another order than by score
        ([0.9, 0.9 - 1e-6, 0.0, 0.0], [A, B, NOTHING, NOTHING], False),
        ([1.0, 1.0, 0.0, 0.0], [A, B, NOTHING, NOTHING], False),  # a softmax that gives 1 to both
    ],
)
def test_an_order_is_clear_where_rounding_cannot_change_it(
    scores: list[float], boxes: list[list[int]], clear: bool
) -> None:
    found = {"scores": np.array([scores], np.float32), "boxes": np.array([boxes], np.float32)}
    regions = {"region_scores": found["scores"], "regions": found["boxes"]}
    assert clear_order(found, 1).tolist() == [clear]
    assert clear_order(regions, 1).tolist() == [clear]
    assert clear_order({"logits": np.zeros((1, 3), np.float32)}, 1).tolist() == [True]
