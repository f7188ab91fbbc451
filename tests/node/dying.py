"""The command line that kills itself with SIGKILL at one point: `dying POINT ARGUMENTS...`.

A point is `before` or `after`, a module, and the function whose call it stands beside.
"""

import functools
import importlib
import os
import signal
import sys
from collections.abc import Callable

from ctsieve.cli import main

POINTS = {
    "an instance is durable, not acknowledged": "after ctsieve.node.journal:Journal.commit",
    "an instance is acknowledged, not named": "before ctsieve.node.inbox:Inbox.place",
    "an instance is acknowledged and named": "after ctsieve.node.inbox:Inbox.place",
    "files are made, the journal does not know": "before ctsieve.node.journal:Journal.settle",
    "the journal is settled, the study not closed": "after ctsieve.node.journal:Journal.settle",
    "a study is complete, not frozen": "before ctsieve.node.station:freeze",
    "a study is frozen, no job yet": "after ctsieve.node.station:freeze",
    "a job is queued, the study not marked": "after ctsieve.jobs.engine:Jobs.submit",
    "a study is being judged": "before ctsieve.jobs.work:Worker._screened",
    "results are written, not named": "before ctsieve.jobs.work:place_folder",
    "results are named, not recorded": "after ctsieve.jobs.work:place_folder",
    "results are about to be sent": "before ctsieve.node.station:send",
    "results are sent, not recorded": "after ctsieve.node.station:send",
}


def arm(point: str) -> None:
    """Make the function at `point` deadly."""
    side, place = POINTS[point].split(" ")
    module, path = place.split(":")
    *owners, name = path.split(".")
    owner: object = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, name, _deadly(getattr(owner, name), side))


def _deadly(function: Callable[..., object], side: str) -> Callable[..., object]:
    @functools.wraps(function)
    def deadly(*arguments: object, **named: object) -> object:
        if side == "after":
            function(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    return deadly


if __name__ == "__main__":
    arm(sys.argv.pop(1))
    main()
