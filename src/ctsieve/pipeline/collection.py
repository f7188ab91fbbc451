"""All cases of a training run, opened once: each fold takes its own from the same mapped files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctsieve.datasets import dataset
from ctsieve.learning.feed import Donors, Views, cached_donors, cached_views
from ctsieve.pipeline.fit_config import FitConfig
from ctsieve.pipeline.kept_back import refuse_locked
from ctsieve.types.cases import Case

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Collection:
    """Cases with their views for training, and as production prepares them."""

    cases: tuple[Case, ...]
    large: Views
    """(V, N, N) at the size that augmentation cuts from, under several windows."""
    exact: Views
    """(V, R, C) at the network's size, one view a case."""
    donors: Donors

    def training(self, cases: Sequence[Case]) -> tuple[Views, Donors]:
        """What a network is trained on: views and donors of some of the cases, in their order."""
        index = self._numbers(cases)
        place = np.full(len(self.cases), -1, dtype=np.int64)
        place[index] = np.arange(len(index))
        mine = place[self.donors.cases] >= 0
        donors = Donors(masks=self.donors.masks[mine], cases=place[self.donors.cases[mine]])
        return _some(self.large, index), donors

    def judged(self, cases: Sequence[Case]) -> Views:
        """Some of the cases as production prepares them."""
        return _some(self.exact, self._numbers(cases))

    def inputs(self, cases: Sequence[Case]) -> npt.NDArray[np.float32]:
        """The same as a network takes them: (N, 1, R, C) in [0, 1]."""
        views = self.judged(cases)
        pixels = np.asarray(views.pixels[views.first])
        return pixels[:, None].astype(np.float32) / np.float32(255.0)

    def _numbers(self, cases: Sequence[Case]) -> Numbers:
        number = {case.id: i for i, case in enumerate(self.cases)}
        return np.array([number[case.id] for case in cases], dtype=np.int64)


def _some(views: Views, index: Numbers) -> Views:
    return Views(pixels=views.pixels, first=views.first[index], num=views.num[index])


def open_collection(config: FitConfig, data: Path, cache: Path) -> Collection:
    """Walk the configured data sets and open every image once.

    Raises:
        UnreadableStudy: the collection is incomplete.
        InputRejected: a case is kept back for judging.
    """
    cases = tuple(cases_of(config.data.sets, data))
    refuse_locked(cases, data)
    larger = config.input.model_copy(update={"size": (config.cache_size, config.cache_size)})
    return Collection(
        cases=cases,
        large=cached_views(cases, larger, windows=config.windows, folder=cache),
        exact=cached_views(cases, config.input, windows=[config.input.window], folder=cache),
        donors=cached_donors(cases, larger, folder=cache),
    )


def cases_of(sets: Sequence[str], data: Path) -> Iterator[Case]:
    """The cases of some data sets, one after another."""
    for name in sets:
        yield from dataset(name).walk(data)
