"""Pasted masks beside the authors' code, without any network."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ctsieve.models._detector.paste import paste
from tests.parity import Arrays, Fill, Gold, Row, close, equal

NAME = "pasted masks"


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Paste given masks at given boxes."""
    del fill
    masks = torch.from_numpy(arrays["masks"])[:, 0]
    rows, columns = gold["image"]
    pasted = paste(masks, torch.tensor(gold["boxes"]), (rows, columns))
    yield from _rows(pasted, gold, gold["recommended_atol"])


def _rows(pasted: Tensor, gold: Gold, tolerances: Mapping[str, Any]) -> Iterator[Row]:
    got = {
        "area_above_0_5": (pasted > 0.5).sum(dim=(1, 2)),
        "sum": pasted.double().sum(dim=(1, 2)),
        "nonzero": (pasted != 0).sum(dim=(1, 2)),
        "max": pasted.amax(dim=(1, 2)),
    }
    for quantity, value in got.items():
        yield close(NAME, quantity, value, gold[quantity], float(tolerances[quantity]))
    places = zip(pasted, gold["rows_of_nonzero"], strict=True)
    for number, (mask, extent) in enumerate(places):
        yield equal(NAME, f"rows_of_nonzero, mask {number}", _extent(mask), extent or [])


def _extent(mask: Tensor) -> list[int]:
    """First and last row, first and last column that are not 0; empty where all are."""
    row, column = torch.where(mask != 0)
    if len(row) == 0:
        return []
    return [int(v) for v in (row.min(), row.max(), column.min(), column.max())]
