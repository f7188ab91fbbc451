"""COVIDx-SeqCT's slices, scans and class weights beside the authors' script."""

import re
from collections.abc import Iterator

import numpy as np

from ctsieve.datasets._covidx_lists import parse
from ctsieve.datasets.covidx_seqct import LENGTH, AuthorsSelection
from ctsieve.learning.class_weights import rarest_first
from tests.parity import Arrays, Fill, Gold, Row, close, equal

NAME = "covidx-seqct"
WEIGHT_ATOL = 1e-12


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Compare slice numbers and grouping exactly, class weights in float64 and float32."""
    seed = int(gold["numpy_seed"])
    yield from _selection(gold, arrays, seed)
    yield from _grouping(gold, seed)
    for number, case in enumerate(gold["class_weights"]["cases"]):
        got = rarest_first(case["counts"])
        yield close(NAME, f"class weights {number}", got, case["weights"], WEIGHT_ATOL)
        single = got.astype(np.float32)
        yield equal(NAME, f"class weights {number}, float32", single, case["weights_float32"])


def _selection(gold: Gold, arrays: Arrays, seed: int) -> Iterator[Row]:
    length = arrays["selection_fresh"].shape[1]
    said = re.search(r"N in (\d+)\.\.", gold["slice_selection"].get("fresh", ""))
    first = int(said[1]) if said else length
    lengths = range(first, first + len(arrays["selection_fresh"]))
    fresh = [AuthorsSelection(length=length, seed=seed).slices(n) for n in lengths]
    yield equal(NAME, "slices, seeded before each scan", fresh, arrays["selection_fresh"])
    running = AuthorsSelection(length=length, seed=seed)
    yield equal(
        NAME,
        "slices, seeded once",
        [running.slices(n) for n in lengths],
        arrays["selection_running"],
    )
    stream = AuthorsSelection(length=length, seed=seed)
    drawn = [stream.slices(n) for n in gold["slice_selection"]["stream"]["lengths"]]
    yield equal(NAME, "slices of a stream of scans", drawn, arrays["selection_stream"])


def _grouping(gold: Gold, seed: int) -> Iterator[Row]:
    said = re.search(r"--ct-length (\d+)", gold["grouping"].get("command", ""))
    selection = AuthorsSelection(length=int(said[1]) if said else LENGTH, seed=seed)
    for split, content in gold["grouping"]["splits"].items():
        got = list(selection.sequences(parse(content["rows"])))
        want = content["emitted"]
        names = [f"{sequence.scan}.tiff" for sequence in got]
        yield equal(NAME, f"{split}: scans", names, [scan["file"] for scan in want])
        labels = [sequence.label for sequence in got]
        yield equal(NAME, f"{split}: classes", labels, [scan["label"] for scan in want])
        rows = [sequence.rows for sequence in got]
        yield equal(NAME, f"{split}: rows", rows, [scan["rows_of_the_list"] for scan in want])
