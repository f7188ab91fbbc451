"""One training on several processes: started here, by torchrun, or by SLURM.

torch's elastic agent starts and watches the processes of a machine; if one ends, the others are
ended too, and the run says so.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from ctsieve.types.errors import CtsieveError, UsageError

RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK")
"""Who a process is: by torchrun, by SLURM, by Lightning."""
PORT = "29500"


class RankLost(CtsieveError):
    """A process of a run has ended before the others."""

    exit_code = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Where a run runs."""

    devices: int = 1
    """Processes on each machine."""
    nodes: int = 1

    def __post_init__(self) -> None:
        if self.devices < 1 or self.nodes < 1:
            raise UsageError(f"{self.devices} processes on {self.nodes} machines make no run")

    @property
    def processes(self) -> int:
        """Of all machines."""
        return self.devices * self.nodes


ONE = Machines()


def rank() -> int:
    """The number of this process among all of a run; 0 for one that runs alone."""
    for name in RANKS:
        if name in os.environ:
            return int(os.environ[name])
    return 0


def is_launched() -> bool:
    """Whether torchrun or SLURM started this process as one of several."""
    return "TORCHELASTIC_RUN_ID" in os.environ or int(os.environ.get("SLURM_NTASKS", "1")) > 1


def launch(arguments: Sequence[str], machines: Machines, *, out: Path) -> None:
    """Run `ctsieve` with these arguments once for every device of this machine, and wait.

    On several machines this is called on each; MASTER_ADDR (and MASTER_PORT) name the first.

    Raises:
        RankLost: a process ended with an error, or was killed.
        UsageError: several machines and no MASTER_ADDR.
    """
    address = os.environ.get("MASTER_ADDR", "")
    if machines.nodes > 1 and not address:
        raise UsageError(
            f"a run on {machines.nodes} machines needs MASTER_ADDR",
            hint="set it to the first machine's address on every one, or use torchrun or SLURM",
        )
    port = os.environ.get("MASTER_PORT", PORT if machines.nodes > 1 else "0")
    settings = LaunchConfig(
        min_nodes=machines.nodes,
        max_nodes=machines.nodes,
        nproc_per_node=machines.devices,
        run_id="ctsieve",
        rdzv_backend="c10d",
        rdzv_endpoint=f"{address or 'localhost'}:{port}",
        max_restarts=0,
    )
    try:
        elastic_launch(settings, sys.executable)("-m", "ctsieve", *arguments)
    except ChildFailedError as error:
        number, failure = error.get_first_failure()
        ended = failure.signal_name() if failure.exitcode < 0 else f"exit code {failure.exitcode}"
        raise RankLost(
            f"process {number} of {machines.processes} ended with {ended}, and the others with it",
            hint=_advice(out),
        ) from error


def _advice(out: Path) -> str:
    if (out / "checkpoints" / "last.ckpt").is_file():
        return "the last checkpoint is intact: run the same command with --resume"
    return "no epoch was finished: run the same command again"
