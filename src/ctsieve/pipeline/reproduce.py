"""Repeat a run from its folder, and say whether the same came out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctsieve.pipeline.run_record import CONFIG, RESULT, RUN, environment, read_json
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train import train
from ctsieve.pipeline.train_config import TrainConfig

DIGESTS = {
    "config_digest": "settings",
    "split_digest": "split",
    "data_digest": "prepared images",
    "revision": "revision of the code",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One thing of a run and of its repetition."""

    what: str
    before: str
    now: str

    @property
    def same(self) -> bool:
        """Whether nothing changed."""
        return self.before == self.now


def reproduce(
    run: Path, out: Path, *, data: Path, progress: bool = False
) -> tuple[Comparison, ...]:
    """Train again as the run folder `run` says, into `out`; what is the same, and what is not.

    On one CPU with the same versions everything is; another machine or version rounds differently.

    Raises:
        UsageError: `run` is no folder of a run that has ended.
    """
    before = {**read_json(run / RUN), **read_json(run / RESULT)}
    config = checked(TrainConfig, read_json(run / CONFIG))
    train(config, out, data=data, progress=progress)
    now = {**read_json(out / RUN), **read_json(out / RESULT)}
    return compared(before, now)


def compared(before: dict[str, Any], now: dict[str, Any]) -> tuple[Comparison, ...]:
    """Digests, versions, figures and weights of two runs."""
    rows = [
        Comparison(what=words, before=str(before[key]), now=str(now[key]))
        for key, words in DIGESTS.items()
    ]
    here = environment()
    rows += [
        Comparison(what=name, before=old, now=here.get(name, "absent"))
        for name, old in before["environment"].items()
    ]
    rows += [
        Comparison(
            what=name, before=f"{old:.9g}", now=f"{now['figures'].get(name, float('nan')):.9g}"
        )
        for name, old in before["figures"].items()
    ]
    return (*rows, Comparison(what="weights", before=before["weights"], now=now["weights"]))
