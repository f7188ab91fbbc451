"""Long scans in little memory: what a backward pass needs is computed again when it is needed.

Frozen parts of a backbone run without gradients, some slices at a time.  Of trained parts only what
goes into each block is kept.  A block sees all slices at once both times, since its batch norm
would otherwise be another; and its running statistics move once, not twice.

Source   Chen et al., "Training deep nets with sublinear memory cost", arXiv:1604.06174, as
         `torch.utils.checkpoint` has it.
Shapes   K slices, R C rows and columns, F features.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def features(model: nn.Module, x: Tensor, *, trunk: tuple[str, ...], at_once: int) -> Tensor:
    """What the children `trunk` of `model` make of slices (K, ...), one after another.

    The same numbers as without recomputing, and the same gradients.
    """
    parts = [model.get_submodule(name) for name in trunk]
    frozen = [not any(p.requires_grad for p in part.parameters()) for part in parts]
    start = frozen.index(False) if False in frozen else len(parts)
    with torch.no_grad():
        x = torch.cat([_through(parts[:start], some) for some in x.split(at_once)])
    for part in parts[start:]:
        for block in part if isinstance(part, nn.Sequential) else (part,):
            x = _again(block, x)
    return x


def _through(parts: list[nn.Module], x: Tensor) -> Tensor:
    for part in parts:
        x = part(x)
    return x


def _again(block: nn.Module, x: Tensor) -> Tensor:
    """A block whose inner values are not kept."""

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), still_statistics(block)

    result: Tensor = checkpoint(block, x, use_reentrant=False, context_fn=contexts)
    return result


@contextmanager
def still_statistics(block: nn.Module) -> Iterator[None]:
    """Batch norm of `block` normalises as ever and leaves its running statistics alone."""
    norms = [m for m in block.modules() if isinstance(m, _BatchNorm)]
    before = [(m.momentum, m.num_batches_tracked) for m in norms]
    for norm in norms:
        norm.momentum = 0.0
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked = norm.num_batches_tracked.clone()
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum = momentum
            norm.num_batches_tracked = count
