"""Checkpoints that appear whole or not at all: a full disk leaves the last one as it was."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from ctsieve.types.errors import OutOfResources

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
COPIES = 4
"""A checkpoint holds weights, two moments of the optimiser, and perhaps averaged weights."""


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes beside the old file and then takes its place."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | os.PathLike[str],
        storage_options: Any | None = None,  # noqa: ANN401  # as in Lightning
    ) -> None:
        """Save to `path`.

        Raises:
            OutOfResources: the disk is full; the checkpoint of before is still there.
        """
        del storage_options
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        try:
            with part.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except (OSError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno not in FULL:
                raise
            raise OutOfResources(
                f"no room for checkpoint {target.name!r}: {error}",
                hint="free some space and go on with --resume: the last checkpoint is intact",
            ) from error
        finally:
            part.unlink(missing_ok=True)


def require_room(folder: Path, num_parameters: int) -> None:
    """Refuse to begin a run whose two checkpoints would not fit on the disk.

    Raises:
        OutOfResources: there is too little room.
    """
    needed = 2 * COPIES * 4 * num_parameters
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutOfResources(
            f"checkpoints need {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free",
            hint="free some space, or choose another --out",
        )
