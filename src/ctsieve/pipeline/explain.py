"""A screening with the explanation of one's choice, and whether that explanation is faithful.

The network runs once; only methods that ask it again (occlusion) and the check run it more often.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ctsieve.explain import EXPLAINERS
from ctsieve.explain.lesions import counting
from ctsieve.explain.occlusion import Faithfulness, Score, faithfulness
from ctsieve.ops.gate import gate_and_lungs
from ctsieve.ops.judge import prepare_judged
from ctsieve.ops.prepare import Prepared
from ctsieve.pipeline.screen import Image, Screener
from ctsieve.runtime import ModelOutput, Progress, Runtime
from ctsieve.types.errors import UsageError
from ctsieve.types.promise import promise
from ctsieve.types.recipe import Recipe
from ctsieve.types.results import Explanation, Screening

Float32 = npt.NDArray[np.float32]

SCORED = "logits"
"""The output that a method needs which asks the network again."""
LESION = "lesion"
"""What the map of a network is of that gives no class."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """A screening whose explanation is that of the method asked for."""

    screening: Screening
    faithfulness: Faithfulness | None = None
    """None where it was not asked for, or the gate rejected the image."""


class _Remembering:
    """A runtime that keeps what the graph returned last."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.output: ModelOutput = {}

    @property
    def outputs(self) -> tuple[str, ...]:
        return self._runtime.outputs

    def run(self, x: Float32, *, progress: Progress | None = None) -> ModelOutput:
        self.output = self._runtime.run(x, progress=progress)
        return self.output


def explain(
    image: Image,
    screener: Screener,
    method: str | None = None,
    *,
    check: bool = False,
    progress: Progress | None = None,
) -> Explained:
    """Screen `image` and explain the answer by `method`, a name of `EXPLAINERS`.

    None is the first method that shows what the graph itself returned; occlusion, which asks the
    network again, where it returned nothing to show.
    With `check` the network is asked again without the hottest tenth of every slice, and without a
    random tenth.  An image that the gate rejects has no explanation, and a network without a class
    no check.

    Raises:
        UnknownName: there is no such method.
        UsageError: the bundle's graph returns nothing that the method reads.
    """
    method = method_for(screener, method)
    remembering = _Remembering(screener.runtime)
    screening = Screener(screener.bundle, remembering).screen(image, progress=progress)
    if screening.gate.verdict == "rejected":
        return Explained(screening=screening)

    card = EXPLAINERS[method]
    prepared = _prepared(image, screening)
    score = _scoring(screener.runtime)
    asked = _shown(remembering.output, screening.recipe) if card.reads else score
    label = (*screening.recipe.labels, LESION)[0]
    found: Explanation | None = card.explain(asked, prepared, image.geometry, label=label)
    promise(found is not None, f"{method} explains what it reads")
    assert found is not None  # noqa: S101  # for the type checker
    can_check = check and SCORED in remembering.output
    return Explained(
        screening=replace(screening, explanation=found),
        faithfulness=faithfulness(score, prepared, found) if can_check else None,
    )


def method_for(screener: Screener, method: str | None) -> str:
    """The method to explain by: `method`, if the bundle can serve it; None: the bundle's own.

    Nothing is run for it, so that a wrong name does not cost the time of a screening.

    Raises:
        UnknownName: there is no such method.
        UsageError: the bundle's graphs return nothing that the method reads.
    """
    if method is not None:
        EXPLAINERS[method]
    able = possible(screener.runtime.outputs)
    chosen = own_method(able) if method is None else method.replace("_", "-")
    if chosen is None or chosen not in able:
        raise UsageError(
            f"the graph of bundle {screener.bundle.identity.name!r} returns nothing that the "
            f"method {chosen!r} shows",
            hint=f"methods for this bundle: {', '.join(able)}",
        )
    return chosen


def possible(output: Collection[str]) -> tuple[str, ...]:
    """The methods that can explain an answer with outputs of these names."""
    return tuple(
        name for name in EXPLAINERS if set(EXPLAINERS[name].reads or (SCORED,)) & set(output)
    )


def own_method(able: Sequence[str]) -> str | None:
    """Of the methods that can explain an answer, the one to show if none is asked for."""
    return next((name for name in able if EXPLAINERS[name].reads), next(iter(able), None))


def _shown(output: ModelOutput, recipe: Recipe) -> ModelOutput:
    """The outputs without organs and objects that the recipe does not count."""
    rule = recipe.objects
    if rule is None:
        return output
    kinds = [n for n, kind in enumerate(rule.kinds, start=1) if kind not in rule.organs]
    return counting(output, kinds=kinds, score=rule.score)


def _prepared(image: Image, screening: Screening) -> Prepared:
    """The network's input once more; cheap beside running the network."""
    lungs = screening.lungs if screening.lungs is not None else gate_and_lungs(image)[1]
    return prepare_judged(image, lungs, screening.recipe.input)


def _scoring(runtime: Runtime) -> Score:
    """The primary label's logit of every slice, or of the scan."""

    def score(x: Float32) -> Float32:
        logits: Float32 = runtime.run(x)["logits"][:, 0]
        return logits

    return score
