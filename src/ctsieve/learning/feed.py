"""Cases to batches: every image is opened and prepared once, then read from one mapped file.

The cache holds slices as production prepares them (`ops.prepare`, same crop rule), as bytes; a CT
in Hounsfield units is kept under several windows, of which training draws one.  A batch is a
function of (seed, step) alone: a resumed run sees exactly what an uninterrupted one would have.

Shapes   V cached views, N their rows and columns, B images of a batch, L lesions.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ctsieve.learning.augment import Augmentation, augment
from ctsieve.learning.paste import paste_lesions
from ctsieve.learning.sampler import case_weights
from ctsieve.models.la_dnn import LaDnnTarget
from ctsieve.ops.crop import crop_box
from ctsieve.ops.prepare import prepare, slice_values
from ctsieve.ops.upright import upright
from ctsieve.readers import read_labels, read_study
from ctsieve.types.cases import Case
from ctsieve.types.promise import promise
from ctsieve.types.recipe import InputSpec, WindowSpec
from ctsieve.types.volume import CTPicture, CTVolume, Window

POSITIVE = "covid19"
INFECTION = "infection"
"""A lesion flag that says of a slice whether it shows the patient's disease at all."""

Bytes = npt.NDArray[np.uint8]


class Views(NamedTuple):
    """Cached views (V, N, N) of some cases: case i has `num[i]` of them from `first[i]` on."""

    pixels: Bytes
    first: npt.NDArray[np.int64]
    num: npt.NDArray[np.int64]


class Donors(NamedTuple):
    """Slices whose lesions may be pasted: masks (M, N, N) of the cases numbered `cases` (M,)."""

    masks: Bytes
    cases: npt.NDArray[np.int64]


class Batch(NamedTuple):
    """What one training step gets."""

    x: Tensor
    """(B, 1, R, R) in [0, 1]."""
    target: LaDnnTarget
    cases: tuple[int, ...] = ()
    """Numbers of tune cases on their side."""


def cached_views(
    cases: Sequence[Case], spec: InputSpec, *, windows: Sequence[WindowSpec], folder: Path
) -> Views:
    """Prepared views of `cases`, made now or mapped from an earlier run with the same settings."""
    names = [case.id for case in cases]
    settings = [names, spec.model_dump(), [w.model_dump() for w in windows]]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    pixels_file, counts_file = folder / f"{digest}.npy", folder / f"{digest}-counts.npy"
    if not counts_file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        views = [_views_of(case, spec, windows) for case in cases]
        np.save(pixels_file, np.concatenate(views))
        np.save(counts_file, np.array([len(v) for v in views], dtype=np.int64))
    count = np.load(counts_file)
    first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
    return Views(pixels=np.load(pixels_file, mmap_mode="r"), first=first, num=count)


def _views_of(case: Case, spec: InputSpec, windows: Sequence[WindowSpec]) -> Bytes:
    """A single-slice case under each window (V, N, N); a picture has one view, as it is."""
    promise(len(case.files) == 1, f"{case.id} is one slice")
    image = upright(read_study(case.files[0]), case.quarter_turns)
    promise(image.geometry.shape[0] == 1, f"{case.files[0].name} holds one slice")
    used = windows if isinstance(image, CTVolume) else [spec.window]
    views = [_view(image, spec.model_copy(update={"window": window})) for window in used]
    return np.asarray(np.stack(views))


def _view(image: CTVolume | CTPicture, spec: InputSpec) -> Bytes:
    window = Window(centre=spec.window.centre, width=spec.window.width)
    box = crop_box(slice_values(image, 0, window)[None], spec.crop)
    prepared = prepare(image, spec, keep=np.ones(1, dtype=np.bool_), box=box)
    view: Bytes = np.rint(prepared.x[0, 0] * 255.0).astype(np.uint8)
    return view


def cached_donors(cases: Sequence[Case], spec: InputSpec, *, folder: Path) -> Donors:
    """Masks of those cases that have one, prepared like their slices."""
    index = np.array([i for i, case in enumerate(cases) if case.mask is not None], dtype=np.int64)
    settings = [[cases[i].id for i in index], spec.model_dump(), "masks"]
    digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    file = folder / f"{digest}.npy"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        masks = [_mask_view(case, case.mask, spec) for case in cases if case.mask is not None]
        np.save(file, np.stack(masks) if masks else np.zeros((0, *spec.size), np.uint8))
    return Donors(masks=np.load(file, mmap_mode="r"), cases=index)


def _mask_view(case: Case, mask: Path, spec: InputSpec) -> Bytes:
    """Where a slice has lesions of any kind by its `mask`: 255, else 0."""
    image = upright(read_study(case.files[0]), case.quarter_turns)
    drawn = upright(read_labels(mask), case.quarter_turns)
    promise(isinstance(drawn, CTPicture), "a mask is a picture")
    window = Window(centre=spec.window.centre, width=spec.window.width)
    box = crop_box(slice_values(image, 0, window)[None], spec.crop)
    marked = CTPicture(
        values=(slice_values(drawn, 0, window)[None] > 0.0).astype(np.float32),
        geometry=image.geometry,
        provenance=drawn.provenance,
    )
    prepared = prepare(marked, spec, keep=np.ones(1, dtype=np.bool_), box=box)
    view: Bytes = np.where(prepared.x[0, 0] > 0.5, 255, 0).astype(np.uint8)
    return view


def covid_target(case: Case) -> float:
    """1 for COVID-19, but 0 for a slice that is known to show none of the patient's disease."""
    return float(case.label == POSITIVE and case.lesions.get(INFECTION, True))


def targets(cases: Sequence[Case], lesions: Sequence[str]) -> LaDnnTarget:
    """Targets of some cases; a lesion flag that a case does not carry is unknown."""
    flags = [[case.lesions.get(kind) for kind in lesions] for case in cases]
    return LaDnnTarget(
        covid=torch.tensor([covid_target(case) for case in cases]),
        lesions=torch.tensor([[float(bool(f)) for f in row] for row in flags]),
        known=torch.tensor([[float(f is not None) for f in row] for row in flags]),
        trust=torch.tensor([case.weight for case in cases]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSettings:
    """What decides a batch, beside its number."""

    seed: int
    batch_size: int
    lesions: tuple[str, ...]
    augmentation: Augmentation
    mixup: float
    """Parameter of the beta distribution two images are mixed by in half the batches; 0: never."""
    smoothing: float
    """How far COVID-19 targets are pulled from 0 and 1."""
    shares: Mapping[str, float]
    """How often each site is drawn, in proportion."""
    paste: float = 0.0
    """How often the lesions of a slice with a mask are shown on another source's lungs."""
    paste_onto: tuple[str, ...] = ()
    """The sites of those lungs; only cases without COVID-19 are taken."""


class TrainingBatches(Dataset[Batch]):
    """Batch `i` of `sizes[i]` rows and columns, always the same for the same settings."""

    def __init__(
        self,
        cases: Sequence[Case],
        views: Views,
        settings: FeedSettings,
        sizes: Sequence[int],
        donors: Donors | None = None,
    ) -> None:
        self._cases = tuple(cases)
        self._views = views
        self._masks = (
            {} if donors is None else dict(zip(donors.cases.tolist(), donors.masks, strict=True))
        )
        self._grounds = [
            i
            for i, case in enumerate(cases)
            if case.site in settings.paste_onto and covid_target(case) == 0.0
        ]
        self._settings = settings
        self._sizes = tuple(sizes)
        self._weights = case_weights(cases, settings.shares)

    def __len__(self) -> int:
        """Number of steps of the whole run."""
        return len(self._sizes)

    def __getitem__(self, step: int) -> Batch:
        """The batch of one step."""
        settings = self._settings
        random = np.random.default_rng([settings.seed, step])
        drawn = random.choice(len(self._cases), settings.batch_size, p=self._weights)
        images = [self._image(int(i), random) for i in drawn]
        x = augment(images, self._sizes[step], settings.augmentation, random)
        target = targets([self._cases[i] for i in drawn], settings.lesions)
        smooth = target.covid * (1 - 2 * settings.smoothing) + settings.smoothing
        return _mixed(Batch(x, target._replace(covid=smooth)), settings.mixup, random)

    def _image(self, case: int, random: np.random.Generator) -> Bytes:
        """A view of a case; of one with a mask now and then its lesions on other lungs."""
        view = self._view(case, random)
        if case not in self._masks or not self._grounds or random.random() >= self._settings.paste:
            return view
        ground = self._view(int(random.choice(self._grounds)), random)
        pasted = paste_lesions(ground, view, np.asarray(self._masks[case]))
        return view if pasted is None else pasted

    def _view(self, case: int, random: np.random.Generator) -> Bytes:
        which = int(self._views.first[case] + random.integers(self._views.num[case]))
        return np.asarray(self._views.pixels[which])


def _mixed(batch: Batch, mixup: float, random: np.random.Generator) -> Batch:
    """Blend a batch with itself in another order; a flag unknown in either image is unknown."""
    if mixup <= 0.0 or random.random() < 0.5:
        return batch
    share = float(random.beta(mixup, mixup))
    share = max(share, 1.0 - share)
    other = torch.from_numpy(random.permutation(len(batch.x)))

    def blend(values: Tensor) -> Tensor:
        return share * values + (1.0 - share) * values[other]

    covid, lesions, known, trust = batch.target
    target = LaDnnTarget(
        covid=blend(covid),
        lesions=blend(lesions),
        known=torch.minimum(known, known[other]),
        trust=blend(trust),
    )
    return Batch(blend(batch.x), target)


def plain_batches(
    cases: Sequence[Case], views: Views, lesions: Sequence[str], *, size: int = 32
) -> Iterator[Batch]:
    """Every case once, unchanged, in order; of several windows the first."""
    for start in range(0, len(cases), size):
        own = cases[start : start + size]
        pixels = views.pixels[views.first[start : start + size]]
        x = torch.from_numpy(pixels)[:, None].float() / 255.0
        yield Batch(x, targets(own, lesions), tuple(range(start, start + len(own))))
