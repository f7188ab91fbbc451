"""What a file of each kind says of itself; every plug-in module has one as `CARD`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ctsieve.types.cases import Case, Sides
from ctsieve.types.errors import UnknownName
from ctsieve.types.results import Explanation, Screening
from ctsieve.types.volume import CTPicture, CTVolume

Named = TypeVar("Named")


def _every_parameter(name: str) -> bool:
    return bool(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """A model family: `build(config())` makes an untrained `torch.nn.Module`.

    Slices are (B, C, R, C'), so that an `example_shape` has four numbers; scans are
    (B, S, C, R, C') and are given together with `keep` (B, S), True where there is a slice.
    """

    title: str
    paper: str
    config: Callable[..., Any]
    build: Callable[..., Any]
    example_shape: tuple[int, ...]
    trains: Callable[[str], bool] = _every_parameter
    """Whether the paper trains the parameter of that name; all others stay as they are loaded."""
    size: tuple[int, int] = (224, 224)
    """Rows and columns of the slices that the paper gives it."""
    num_slices: int | None = None
    """How many slices of a scan the paper takes, evenly spaced; None: all."""
    num_parameters: int | None = None
    """Of `build(config())`, where the paper or its authors' code says."""
    exempt: Mapping[str, str] = field(default_factory=dict)
    """Laws of tests/laws/test_every_model.py that cannot hold here, each with its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCard:
    """A named way to deal a data set's cases to the sides "train", "tune" and "test".

    `deal` is deterministic and leaves out the cases that are on no side; what it returns is as
    published and becomes a `Split` only if no patient is on two sides.
    """

    title: str
    deal: Callable[[Iterable[Case]], Sides]
    leaks: str = ""
    """What is known to stand on two sides, in a sentence; empty where nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much a complete copy has; what is None or absent was not published."""

    cases: int | None = None
    patients: int | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    partitions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetCard:
    """A public data set: where it is, under which licence, and how to walk a downloaded copy."""

    title: str
    source: str
    licence: str
    labels: tuple[str, ...]
    """All labels that cases can have; empty where a table of the user says them."""
    walk: Callable[[Path], Iterator[Case]]
    citation: str = ""
    expected: str = ""
    """Counts a complete copy has, in words."""
    traps: tuple[str, ...] = ()
    counts: Counts = field(default_factory=Counts)
    """The same as numbers, of what `walk` yields: see `ctsieve.datasets.shortfalls`."""
    lesions: tuple[str, ...] = ()
    """All names that `Case.lesions` can have."""
    mask_values: Mapping[int, str] = field(default_factory=dict)
    """What the values of a mask file mean, the background left out."""
    splits: Mapping[str, SplitCard] = field(default_factory=dict)
    variants: Mapping[str, "DatasetCard"] = field(default_factory=dict)
    """Other walks of the same files (a version, whole scans, ...), each a card of its own."""

    def split(self, name: str) -> SplitCard:
        """The split called `name`.

        Raises:
            UnknownName: there is none.
        """
        return _named(self.splits, name, f"{self.title} has no split called {name!r}")

    def variant(self, name: str) -> "DatasetCard":
        """The variant called `name`.

        Raises:
            UnknownName: there is none.
        """
        return _named(self.variants, name, f"{self.title} has no variant called {name!r}")


def _named(known: Mapping[str, Named], name: str, sentence: str) -> Named:
    if name not in known:
        raise UnknownName(sentence, hint=f"known: {', '.join(known) or 'none'}")
    return known[name]


class ReadsStudy(Protocol):
    """Reads a file or folder; `workers` threads decode (None: as many as there are cores)."""

    def __call__(self, path: Path, *, workers: int | None = None) -> CTVolume | CTPicture:
        """The image at `path`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderCard:
    """An input format.  `claims` looks at names and first bytes only."""

    title: str
    claims: Callable[[Path], bool]
    read: ReadsStudy
    read_labels: ReadsStudy | None = None
    """Of masks, where a value shown and a value stored can differ; None: as `read`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatCard:
    """An output format: `write(screening, folder)` returns the files it made.

    `pictures` is False for formats that need Hounsfield units and millimetres.
    """

    title: str
    write: Callable[[Screening, Path], list[Path]]
    pictures: bool = True
    dicom: bool = False
    """Whether nothing but a volume that was read from DICOM can be written."""
    along: tuple[str, ...] = ()
    """Formats whose files this one refers to: they are written with it, asked for or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeCard:
    """An inference engine: `load(graph, scan=, threads=)` returns a `Runtime`."""

    title: str
    load: Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainerCard:
    """A method that shows why: returns an `Explanation` on the image's own grid.

    `explain(output, prepared, geometry, label=...)` shows what a bundle's graphs returned, or is
    None where they return nothing of what it `reads`.  A method that reads nothing asks the network
    again: it takes, in place of `output`, a function from slices (S, 1, H, W) to scores (S,), or
    (1,) of the whole scan.
    """

    title: str
    paper: str
    explain: Callable[..., Explanation | None]
    reads: tuple[str, ...] = ()
    """Outputs of which there must be one."""


Shapes = Mapping[str, tuple[int, ...]]
"""Tensors of a file: name to shape."""
Setting = int | str | tuple[int, ...] | tuple[float, ...]
Settings = dict[str, Setting]
"""Fields of a model's configuration: dotted path to value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedWeights:
    """One file of weights that authors offer, or say they have."""

    title: str
    where: str
    state: str
    """In words: what kind of place, how many parts, or that nothing is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamCard:
    """A repository of authors: what they publish, and what their tensors are called here."""

    title: str
    source: str
    commit: str
    """The revision that the names were read from."""
    licence: str
    """"none" where the repository has no licence file: all rights reserved."""
    weights: tuple[PublishedWeights, ...]
    models: tuple[str, ...]
    """Names of the models here that the weights fit."""
    rename: Callable[[str], str]
    """A published tensor's name to ours; several names of one tensor give one name."""
    settings: Callable[[str, Shapes], Settings]
    """Which sizes a model of that name has, by the shapes of a file's tensors.

    Raises `BundleError` where a tensor is absent that tells a size.
    """
