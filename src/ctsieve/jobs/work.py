"""What a worker does for an order: read, screen, write.  Repeating it makes nothing twice."""

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ctsieve.jobs.durable import place_folder, sync_files, write_synced
from ctsieve.jobs.records import Order, Outcome
from ctsieve.jobs.storage import Storage
from ctsieve.jobs.trials import BUNDLES
from ctsieve.pipeline.screen import Screener
from ctsieve.pipeline.write import write
from ctsieve.readers import read_study
from ctsieve.types.errors import InputRejected, UsageError
from ctsieve.types.results import Screening
from ctsieve.types.volume import CTPicture, CTVolume

RESULTS: Final = "results"
OUTCOME: Final = "outcome.json"

Stage = Callable[[str, int, int], None]
"""Called with what is being done, and how much of how much."""


class Worker:
    """Screens studies of a storage; keeps each bundle it has loaded."""

    def __init__(self, storage: Storage, *, threads: int | None = None) -> None:
        self.storage = storage
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
        name = f"{RESULTS}/{order.id}"
        folder = self.storage.home / name
        if self.storage.has(name):
            kept = self.storage.fetch(name) / OUTCOME
            return Outcome.model_validate_json(kept.read_bytes())
        partial = folder.with_name(f".part-{order.id}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            outcome = self._screened(order, partial, stage)
            write_synced(partial / OUTCOME, outcome.model_dump_json(indent=1).encode())
            sync_files(partial)
            place_folder(partial, folder)
            self.storage.keep(name)
            self.storage.let_go(name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return outcome

    def drop(self, order: Order) -> None:
        """Delete the results of an order.

        Raises:
            OutOfResources: the storage does not answer.
        """
        self.storage.remove(f"{RESULTS}/{order.id}")

    def _screened(self, order: Order, folder: Path, stage: Stage) -> Outcome:
        screener = self.screener(order.bundle)
        stage("reading", 0, 0)
        try:
            image = self._image(order.study)
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

    def _image(self, study: str) -> CTVolume | CTPicture:
        # Of `studies/<digest>/...`: what the storage holds is a whole frozen study.
        name = "/".join(study.split("/")[:2])
        self.storage.fetch(name)
        try:
            return read_study(self.storage.home / study, workers=self._threads)
        finally:
            self.storage.let_go(name)

    def screener(self, bundle: str | None) -> Screener:
        """The screener of a bundle: by name, folder or file, or one of the storage.

        Raises:
            BundleError: there is no such bundle, or it is damaged.
        """
        with self._loading:
            if bundle not in self._screeners:
                place = bundle_at(self.storage, bundle)
                self._screeners[bundle] = Screener.load(place, threads=self._threads)
            return self._screeners[bundle]


def bundle_at(storage: Storage, bundle: str | None) -> str | Path | None:
    """What `bundles.store.find` understands: a name as it is, one of the storage as its folder."""
    if bundle is not None and bundle.startswith(f"{BUNDLES}/"):
        return storage.fetch(bundle)
    return bundle


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
