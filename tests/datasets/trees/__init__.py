"""Fake copies of every data set, in the exact layout of its publisher, a few files each.

Images are a byte that no decoder takes, so that a walk which opens one fails.  Where a layout is
known from says the reader's module.
"""

from tests.datasets.trees import collection, covidx, scans, slices, tables
from tests.datasets.trees.tree import Builder

TREES: dict[str, Builder] = {
    **collection.TREES,
    **covidx.TREES,
    **scans.TREES,
    **slices.TREES,
    **tables.TREES,
}
"""`name` or `name/variant` to what writes its copy."""
