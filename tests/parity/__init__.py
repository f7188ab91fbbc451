"""Parity: our models beside numbers that the authors' own code gave.

A golden folder holds `<kind>_seed<N>.json` (and often `.npz`) files; `fill.py`, which makes weights
from names and images from seeds, lies in that folder or the one above.  For each kind there is one
module here, `tests/parity/<kind>.py`, with

    def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]: ...

which is found by its file name, reads seeds, sizes and counts from `gold` (other folders have
others) and yields one `Row` for each quantity.  `load_weights`, `images`, `close` and `equal` are
what such a module needs; `described` and `noted` read what a file says in words only.  A kind with
a network also has

    def networks(gold: Gold, fill: Fill) -> Iterator[Network]: ...

with the golden weights in the `fixed` preset, which is what users run: its graph is compared, and
`benchmarks/bench_models.py` times it.  `python -m tests.parity --golden FOLDER` prints everything.
"""

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tests.parity._files import Arrays as Arrays
from tests.parity._files import Gold as Gold
from tests.parity._files import arrays_of, gold_of, lacking

Comparable = npt.ArrayLike | Tensor

HERE = Path(__file__).parent
BESIDE = HERE.parents[2] / "shared" / "golden" / "public"
PUBLIC = Path(os.environ.get("CTSIEVE_GOLDEN", BESIDE))
"""The golden folder that tests use."""
SCAN_DIMENSIONS = 5


class Fill(Protocol):
    """The golden folder's `fill.py`."""

    def fill_state_dict(self, state_dict: Mapping[str, Tensor], seed: int) -> dict[str, Tensor]:
        """The same keys and shapes with the golden numbers."""
        ...

    def fingerprint(self, state_dict: Mapping[str, Tensor]) -> str:
        """SHA-256 of names, shapes and numbers, aliases counted once."""
        ...

    def make_image(self, seed: int, shape: tuple[int, int, int], kind: str = "ct") -> Tensor:
        """An image (C, H, W) with values in [0, 1]."""
        ...

    def image_sha256(self, image: Tensor) -> str:
        """SHA-256 of such an image."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A model in the `fixed` preset with golden weights, and golden inputs for one forward."""

    name: str
    model: nn.Module
    inputs: tuple[Tensor, ...]

    @property
    def slices(self) -> Tensor:
        """The first channel of the slices (N, 1, H, W), or of those of the first scan."""
        x = self.inputs[0]
        return (x[0] if x.ndim == SCAN_DIMENSIONS else x)[:, :1]

    @property
    def calls(self) -> tuple[Tensor, ...]:
        """What the graphs are asked in one go: a scan, or slice after slice."""
        return (self.slices,) if len(self.inputs) > 1 else self.slices.split(1)

    @property
    def num_parameters(self) -> int:
        """Of the whole network."""
        return sum(parameter.numel() for parameter in self.model.parameters())


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One quantity of one model beside the golden one; `max_difference` is absolute."""

    model: str
    quantity: str
    max_difference: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within the tolerance (a NaN never is)."""
        return self.max_difference <= self.tolerance


def close(model: str, quantity: str, got: Comparable, want: Comparable, tolerance: float) -> Row:
    """Compare real numbers; another shape, or a NaN on one side only, is infinitely far."""
    ours, theirs = _float64(got), _float64(want)
    difference = float("inf")
    if ours.shape == theirs.shape and bool((np.isnan(ours) == np.isnan(theirs)).all()):
        same = (ours == theirs) | np.isnan(ours)  # equal infinities differ by nothing
        difference = float(np.max(np.abs(ours - theirs), where=~same, initial=0.0))
    return Row(model=model, quantity=quantity, max_difference=difference, tolerance=tolerance)


def equal(model: str, quantity: str, got: Comparable, want: Comparable) -> Row:
    """Compare labels, counts, orders, digests: the difference is how many entries differ."""
    ours, theirs = _array(got), _array(want)
    differ = float((ours != theirs).sum()) if ours.shape == theirs.shape else float("inf")
    return Row(model=model, quantity=quantity, max_difference=differ, tolerance=0.0)


def recommended(gold: Gold, quantity: str, mode: str | None = None) -> float:
    """The absolute tolerance that a golden file recommends for `quantity` (of `mode`)."""
    tolerances = gold["tolerances"] if mode is None else gold["tolerances"][mode]
    return float(tolerances[quantity]["recommended_atol"])


def load_weights(
    model: nn.Module,
    gold: Gold,
    fill: Fill,
    *,
    name: str = "",
    author_key: Callable[[str], str] = str,
) -> Row:
    """Fill `model` with the golden weights; the row says whether they are exactly those.

    `author_key` turns a name of ours into the authors'; where the authors have aliases of one
    tensor, one name is enough.
    """
    ours = model.state_dict()
    filled = fill.fill_state_dict({author_key(k): v for k, v in ours.items()}, gold["weights_seed"])
    model.load_state_dict({k: filled[author_key(k)] for k in ours})
    written = {author_key(k): v for k, v in model.state_dict().items()}
    return equal(
        name or gold["model"], "weights", fill.fingerprint(written), gold["weights_sha256"]
    )


def images(gold: Gold, fill: Fill, *, name: str = "") -> tuple[list[Tensor], Row]:
    """The golden input images (C, H, W) in [0, 1], and whether they are exactly those."""
    made = [fill.make_image(s["seed"], tuple(s["shape"]), s["kind"]) for s in gold["images"]]
    wanted = [spec["sha256"] for spec in gold["images"]]
    digests = [fill.image_sha256(image) for image in made]
    return made, equal(name or gold["model"], "images", digests, wanted)


def kinds() -> tuple[str, ...]:
    """The kinds of golden file that have a module here."""
    modules = (p.stem for p in HERE.glob("*.py") if p.stem[0] != "_")
    return tuple(sorted(m for m in modules if not m.startswith("test_")))


def kind_of(file: Path) -> str:
    """The kind of a golden file: the longest that its name begins with, else the whole name."""
    names = [kind for kind in kinds() if f"{file.stem}_".startswith(f"{kind}_")]
    return max(names, key=len, default=file.stem)


def described(gold: Gold, pattern: str, default: str) -> str:
    """What `pattern` captures in the file's description of its model; else `default`."""
    found = re.search(pattern, str(gold.get("model", "")))
    return found[1] if found else default


def noted(gold: Gold, pattern: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """All whole numbers in what `pattern` captures in one of the file's notes; else `default`."""
    for note in gold.get("notes", ()):
        if found := re.search(pattern, note):
            return tuple(int(number) for number in re.findall(r"\d+", found[1]))
    return default


def golden_files(folder: Path) -> tuple[Path, ...]:
    """The golden files in `folder`, by name; lists of authors' key names are not among them."""
    return tuple(sorted(p for p in folder.glob("*.json") if not p.name.startswith("keys_")))


def check_file(file: Path) -> Iterator[Row]:
    """The rows of one golden file; a kind that nothing here checks gives one failing row.

    Raises:
        UnreadableGolden: the file is damaged, or lacks what its kind needs.
    """
    if kind_of(file) not in kinds():
        yield Row(model=file.stem, quantity="no check", max_difference=np.inf, tolerance=0.0)
        return
    gold, arrays = gold_of(file), arrays_of(file)
    try:
        with torch.random.fork_rng(devices=[]):
            yield from _module(file).check(gold, arrays, load_fill(file.parent))
    except KeyError as error:
        raise lacking(file, error) from error


def networks_of(file: Path) -> Iterator[Network]:
    """The networks of one golden file; none where it has no network, or nothing here checks it."""
    if kind_of(file) in kinds() and hasattr(_module(file), "networks"):
        yield from _module(file).networks(gold_of(file), load_fill(file.parent))


def _module(file: Path) -> Any:  # noqa: ANN401  # a module has no type
    return importlib.import_module(f"tests.parity.{kind_of(file)}")


def load_fill(folder: Path) -> Fill:
    """The `fill.py` in `folder` or in the one above, else that of the public golden files.

    Raises:
        FileNotFoundError: there is none.
    """
    for home in (folder, folder.resolve().parent, PUBLIC, PUBLIC.resolve().parent):
        place = home / "fill.py"
        if place.is_file():
            spec = importlib.util.spec_from_file_location("golden_fill", place)
            if spec is not None and spec.loader is not None:
                module = importlib.util.module_from_spec(spec)
                sys.modules[spec.name] = module  # its dataclasses look themselves up there
                spec.loader.exec_module(module)
                return cast("Fill", module)
    raise FileNotFoundError(f"no fill.py in {folder} or above it, nor in {PUBLIC}")


def _array(value: Comparable) -> npt.NDArray[Any]:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)


def _float64(value: Comparable) -> npt.NDArray[np.float64]:
    return _array(value).astype(np.float64)
