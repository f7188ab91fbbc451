"""Training in minutes on phantom slices: enough for figures, and for nothing else."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from phantoms import FEWEST_CELLS, SIDE, Chest
from scipy import ndimage
from torch import Tensor, nn
from torch.nn.functional import (
    adaptive_avg_pool2d,
    binary_cross_entropy_with_logits,
    cross_entropy,
)

from ctsieve.export.views import ReadsScans
from ctsieve.models._detector.training import Target
from ctsieve.models.la_dnn import LaDnn
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention as Segmenter
from ctsieve.phantoms.spec import LESION_KINDS
from ctsieve.types.promise import promise

Say = Callable[[str], None]
PATCHES, PATCH = 12, SIDE // 2
"""Patches to a step, and their rows and columns."""
GUIDED = 6
"""Slices to a step where heat is taught."""
FROZEN = ("embeddings.", "conv", "bn1.", "layer", "inception")
"""Parameters of scan networks that make the features of slices."""
SOLID = [1 + LESION_KINDS.index("consolidation")]
HAZY = [1 + n for n, kind in enumerate(LESION_KINDS) if kind != "consolidation"]


class Course(NamedTuple):
    """How a network of scans is trained: steps, scans to a step, and the highest learning rate."""

    steps: int
    size: int
    rate: float


COURSE = Course(steps=150, size=8, rate=2e-3)


def balanced(labels: Tensor, *, size: int, seed: int) -> Iterator[Tensor]:
    """Rows of endless batches in which every label is equally often, in random order."""
    random = torch.Generator().manual_seed(seed)
    weight = 1.0 / torch.bincount(labels).float()[labels]
    while True:
        yield torch.multinomial(weight, size, replacement=True, generator=random)


def fit(
    parameters: Sequence[nn.Parameter],
    loss: Callable[[int], Tensor],
    *,
    steps: int,
    rate: float,
    say: Say,
) -> None:
    """`steps` steps of AdamW with one cycle of the learning rate; `loss` takes the step."""
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=1e-2)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    mean = 0.0
    for step in range(steps):
        value = loss(step)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        cycle.step()
        mean = value.item() if step == 0 else 0.9 * mean + 0.1 * value.item()
        if step % 20 == 0 or step == steps - 1:
            say(f"  step {step}: loss about {mean:.3f}")


def fit_patches(
    model: nn.Module,
    chests: Sequence[Chest],
    *,
    steps: int,
    say: Say,
    rate: float = 3e-4,
) -> None:
    """Teach a network of slices on square patches of `PATCH` pixels: a fraction of the work.

    A patch is labelled by what it shows; the network then takes whole slices at the same scale.
    """
    random = np.random.default_rng(0)
    cases = [(c, s) for c in chests for s in range(len(c.prepared.x))]
    labels = torch.from_numpy(np.concatenate([c.labels for c in chests]))
    rows = islice(balanced(labels, size=PATCHES, seed=0), steps)
    drawn = [[_patch(*cases[int(row)], random) for row in batch] for batch in rows]
    model.to(memory_format=torch.channels_last)

    def loss(step: int) -> Tensor:
        x, wanted = (np.stack(part) for part in zip(*drawn[step], strict=True))
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(torch.from_numpy(x)).logits.float()
        return cross_entropy(logits, torch.from_numpy(wanted))

    model.train()
    fit(list(model.parameters()), loss, steps=steps, rate=rate, say=say)
    model.eval()


def fit_guided(model: LaDnn, chests: Sequence[Chest], *, steps: int, say: Say) -> None:
    """Teach a network which slices show lesions, and its heat where in them they are.

    Heat is an output of the network, and so can be taught like any other.
    """
    x = np.concatenate([c.prepared.x for c in chests])
    lesions = np.concatenate([c.lesions > 0 for c in chests]).astype(np.float32)
    ill = torch.from_numpy(np.concatenate([c.labels > 0 for c in chests]))
    rows = list(islice(balanced(ill.long(), size=GUIDED, seed=4), steps))

    def loss(step: int) -> Tensor:
        chosen = rows[step].numpy()
        turn = slice(None, None, -1 if step % 2 else 1)
        output = model(torch.from_numpy(x[chosen][..., turn].copy()))
        heat = output.heat[:, 0]
        where = adaptive_avg_pool2d(
            torch.from_numpy(lesions[chosen][..., turn].copy()), heat.shape[1:]
        )
        share = where / where.sum(dim=(1, 2), keepdim=True).clamp(min=1e-6)
        shown = heat / heat.sum(dim=(1, 2), keepdim=True).clamp(min=1e-6)
        missed = -(share * (shown + 1e-4).log()).sum(dim=(1, 2))
        wrong = binary_cross_entropy_with_logits(output.logits[:, 0], ill[rows[step]].float())
        shows = ill[rows[step]].float()
        return wrong + 0.5 * (missed * shows).sum() / shows.sum().clamp(min=1.0)

    model.train()
    fit(list(model.parameters()), loss, steps=steps, rate=7e-4, say=say)
    model.eval()


def packed(model: ReadsScans, chests: Sequence[Chest]) -> list[Tensor]:
    """Features (S, F) of the slices of each chest, which training of the head does not change."""
    _network(model).eval()
    with torch.no_grad():
        return [model.slice_features(torch.from_numpy(c.prepared.x))[0] for c in chests]


def fit_scans(
    model: ReadsScans,
    features: Sequence[Tensor],
    labels: Sequence[int],
    *,
    say: Say,
    course: Course = COURSE,
) -> None:
    """Teach a network of scans what comes after its frozen features; slices drop out at random."""
    trained = [p for n, p in _network(model).named_parameters() if not n.startswith(FROZEN)]
    random = torch.Generator().manual_seed(2)
    rows = list(islice(balanced(torch.tensor(labels), size=course.size, seed=2), course.steps))

    def loss(step: int) -> Tensor:
        chosen = [features[int(row)] for row in rows[step]]
        chosen = [f[torch.rand(len(f), generator=random) < 0.8] for f in chosen]
        keep = nn.utils.rnn.pad_sequence([torch.ones(len(f)) for f in chosen], batch_first=True)
        logits = model.read_scan(torch.cat(chosen), keep.bool())[0]
        wanted = torch.tensor(labels)[rows[step]]
        if logits.shape[1] > 1:
            return cross_entropy(logits, wanted)
        return binary_cross_entropy_with_logits(logits[:, 0], wanted.float())

    fit(trained, loss, steps=course.steps, rate=course.rate, say=say)
    _network(model).eval()


def _network(model: ReadsScans) -> nn.Module:
    """The same, as a module: a protocol cannot say that it is one."""
    promise(isinstance(model, nn.Module), "networks of scans are modules")
    assert isinstance(model, nn.Module)  # noqa: S101  # for the type checker
    return model


def fit_segmentation(model: Segmenter, chests: Sequence[Chest], *, steps: int, say: Say) -> None:
    """Teach a detector the lesions of slices, hazy ones (1) and solid ones (2)."""
    cases = [
        (x, target) for c in chests for x, target in zip(c.prepared.x, targets(c), strict=True)
    ]
    cases = [(x, target) for x, target in cases if len(target.labels)]
    order = np.random.default_rng(3).integers(len(cases), size=(steps, 2))

    def loss(step: int) -> Tensor:
        chosen = [cases[int(row)] for row in order[step]]
        chosen = [_mirrored(*case) if step % 2 else case for case in chosen]
        images = torch.from_numpy(np.stack([x for x, _ in chosen]))
        terms = model.segmentation_losses(images, [target for _, target in chosen])
        return torch.stack(list(terms.values())).sum()

    model.train_for("segmentation")
    trained = list(model.trained_by("segmentation").values())
    fit(trained, loss, steps=steps, rate=1e-3, say=say)
    model.eval()


def targets(of: Chest) -> list[Target]:
    """The lesions of every slice: each connected part of a kind is one."""
    found = []
    for plane in of.lesions:
        boxes, labels, masks = [], [], []
        for kind, numbers in ((1, HAZY), (2, SOLID)):
            parts, number = ndimage.label(np.isin(plane, numbers))
            for part in range(1, number + 1):
                mask = parts == part
                if mask.sum() >= FEWEST_CELLS:
                    rows, columns = (np.flatnonzero(mask.any(axis=a)) for a in (1, 0))
                    boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
                    labels.append(kind)
                    masks.append(mask)
        shape = (len(boxes), 4)
        found.append(
            Target(
                torch.tensor(boxes, dtype=torch.float32).reshape(shape),
                torch.tensor(labels, dtype=torch.int64),
                torch.from_numpy(np.array(masks, np.uint8).reshape(-1, SIDE, SIDE)),
            )
        )
    return found


def _mirrored(x: npt.NDArray[np.float32], target: Target) -> tuple[npt.NDArray[np.float32], Target]:
    """A slice with left and right exchanged: twice as many to learn from."""
    left, top, right, bottom = target.boxes.unbind(dim=1)
    boxes = torch.stack([SIDE - right, top, SIDE - left, bottom], dim=1)
    return x[..., ::-1].copy(), Target(boxes, target.labels, target.masks.flip(-1))


def _patch(
    chest: Chest, row: int, random: np.random.Generator
) -> tuple[npt.NDArray[np.float32], np.int64]:
    """A patch (1, PATCH, PATCH) of a slice, around a lesion where there is one."""
    side = chest.lesions.shape[-1]
    places = np.argwhere(chest.lesions[row] > 0)
    middle = random.integers(0, side, 2)
    if len(places) and chest.labels[row]:
        middle = places[random.integers(len(places))] + random.integers(-PATCH // 3, PATCH // 3, 2)
    top, left = (int(v) for v in np.clip(middle - PATCH // 2, 0, side - PATCH))
    here = (slice(top, top + PATCH), slice(left, left + PATCH))
    shown = np.count_nonzero(chest.lesions[row][here]) >= FEWEST_CELLS
    pixels = chest.prepared.x[row, :, here[0], here[1]]
    return (pixels if random.random() < 0.5 else pixels[..., ::-1].copy()), np.int64(
        chest.kind if shown else 0
    )
