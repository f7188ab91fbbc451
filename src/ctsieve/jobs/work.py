"""What a worker does for an order: read, screen, write.  Repeating it makes nothing twice."""

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ctsieve.jobs.durable import place_folder, sync_files, write_synced
from ctsieve.jobs.records import Order, Outcome
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.write import write
from ctsieve.readers import read_study
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.results import Screening

RESULTS: Final = "results"
OUTCOME: Final = "outcome.json"

Stage = Callable[[str, int, int], None]
"""Called with what is being done, and how much of how much."""


class Worker:
    """Screens studies below `home`; keeps each bundle it has loaded."""

    def __init__(self, home: Path, *, threads: int | None = None) -> None:
        self._home = home
        self._threads = threads
        self._screeners: dict[str | None, Screener] = {}
        self._loading = threading.Lock()

    def do(self, order: Order, *, stage: Stage) -> Outcome:
        """The outcome of `order`, with its files in the result folder.

        The folder appears whole, outcome included, or not at all; one that is there already is the
        answer, and nothing is computed.

        Raises:
            BundleError: the bundle is missing or damaged.
            OutOfResources: memory or the disk is exhausted: try again later.
        """
        folder = self._home / RESULTS / order.id
        kept = folder / OUTCOME
        if kept.is_file():
            return Outcome.model_validate_json(kept.read_bytes())
        partial = folder.with_name(f".part-{order.id}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            outcome = self._screened(order, partial, stage)
            write_synced(partial / OUTCOME, outcome.model_dump_json(indent=1).encode())
            sync_files(partial)
            place_folder(partial, folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return outcome

    def _screened(self, order: Order, folder: Path, stage: Stage) -> Outcome:
        screener = self._screener(order.bundle)
        stage("reading", 0, 0)
        try:
            image = read_study(self._home / order.study, workers=self._threads)
        except InputRejected as error:
            return Outcome(state="refused", reason=str(error), hint=error.hint)
        stage("judging", 0, 0)
        screening = screener.screen(image, progress=lambda a, b: stage("judging", a, b))
        stage("writing", 0, 0)
        files, left_out = _written(screening, folder, order.formats)
        rejected = screening.gate.verdict == "rejected"
        return Outcome(
            state="refused" if rejected else "screened",
            reason=screening.prediction.abstained or "",
            verdict=screening.gate.verdict,
            positive=screening.prediction.positive,
            files=files,
            left_out=left_out,
        )

    def _screener(self, bundle: str | None) -> Screener:
        with self._loading:
            if bundle not in self._screeners:
                self._screeners[bundle] = Screener.load(bundle, threads=self._threads)
            return self._screeners[bundle]


def _written(
    screening: Screening, folder: Path, formats: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Files below `folder`, and the formats that cannot hold this study with the reasons."""
    paths: dict[Path, None] = {}
    left_out = {}
    for name in formats:
        try:
            paths |= dict.fromkeys(write(screening, folder, [name]))
        except UsageError as error:
            left_out[name] = str(error)
    return tuple(p.relative_to(folder).as_posix() for p in paths), left_out
