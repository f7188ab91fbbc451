"""Hop 2: an image becomes a screening.  Pure: it reads and writes nothing, and may run in threads.

gate, prepare, run, decide, explain: straight down the page, no branch on the model family.
"""

from pathlib import Path
from typing import Literal, Self

from ctsieve.bundles import store
from ctsieve.bundles.bundle import Bundle
from ctsieve.bundles.engine import engine
from ctsieve.explain import attention, gradcam
from ctsieve.ops.decide import decide, flag_lesions, no_answer, score_slices
from ctsieve.ops.gate import gate_and_lungs
from ctsieve.ops.involvement import involvement
from ctsieve.ops.judge import prepare_judged
from ctsieve.ops.objects import find_lesions, total_lesions
from ctsieve.ops.prepare import Prepared
from ctsieve.runtime import ModelOutput, Progress, Runtime
from ctsieve.types.geometry import Geometry
from ctsieve.types.recipe import Recipe
from ctsieve.types.results import Explanation, GateReport, Screening
from ctsieve.types.volume import CTPicture, CTVolume
from ctsieve.version import __version__

Image = CTVolume | CTPicture

EXPLAINERS = (gradcam.explain, attention.explain)
"""Maps that a graph may return, the most telling first."""


class Screener:
    """A loaded bundle that screens one image after another; keep it for the next study.

    Example:
        >>> from ctsieve.phantoms.chest import make_phantom
        >>> from ctsieve.phantoms.presets import preset
        >>> chest = make_phantom(preset("normal", seed=1, num_slices=16, matrix=96)).volume
        >>> list(Screener.load().screen(chest).prediction.probability)
        ['covid19']
    """

    def __init__(self, bundle: Bundle, runtime: Runtime) -> None:
        self.bundle = bundle
        self._runtime = runtime

    @classmethod
    def load(
        cls,
        bundle: str | Path | None = None,
        *,
        runtime: str = "onnx",
        threads: int | None = None,
    ) -> Self:
        """Open a bundle by name, folder or .ctsieve file; the embedded default if none is given.

        Raises:
            BundleError: there is no such bundle, or a member is not what its manifest says.
            UnknownName: there is no such runtime.
        """
        opened = store.find(bundle)
        return cls(opened, engine(opened, runtime=runtime, threads=threads))

    @property
    def runtime(self) -> Runtime:
        """The engine that runs the bundle's graph."""
        return self._runtime

    def screen(self, image: Image, *, progress: Progress | None = None) -> Screening:
        """Judge one image: gate, slice scores, calibrated answer or abstention, evidence.

        An image the gate rejects is not judged: the screening holds the reasons and no number.
        """
        recipe = self.bundle.recipe
        level = level_of(image)
        report, lungs = gate_and_lungs(image)
        if report.verdict == "rejected":
            return self._rejected(image, report, level)
        prepared = prepare_judged(image, lungs, recipe.input)
        output = self._runtime.run(prepared.x, progress=progress)
        scores = score_slices(output, prepared.index, recipe)
        measured = lungs if isinstance(image, CTVolume) else None
        lesions = find_lesions(output, prepared, image.geometry, recipe.objects)
        return Screening(
            image=image,
            gate=report,
            prediction=decide(output, recipe, num_slices=prepared.index.size, level=level),
            recipe=recipe,
            bundle=self.bundle.identity,
            software=f"ctsieve {__version__}",
            slices=scores,
            lesions=flag_lesions(scores, recipe),
            lesion_instances=lesions,
            lesion_totals=total_lesions(lesions, recipe.objects, measured),
            explanation=_explained(output, prepared, image.geometry, recipe),
            lungs=measured,
            involvement=involvement(image, lungs) if isinstance(image, CTVolume) else None,
        )

    def _rejected(
        self, image: Image, report: GateReport, level: Literal["picture", "scan"]
    ) -> Screening:
        codes = ", ".join(f.code for f in report.findings if f.severity == "rejection")
        return Screening(
            image=image,
            gate=report,
            prediction=no_answer(
                self.bundle.recipe, level=level, reason=f"rejected by the gate: {codes}"
            ),
            recipe=self.bundle.recipe,
            bundle=self.bundle.identity,
            software=f"ctsieve {__version__}",
        )


def _explained(
    output: ModelOutput, prepared: Prepared, geometry: Geometry, recipe: Recipe
) -> Explanation | None:
    """What the first method says that finds its outputs among the graph's."""
    if not recipe.labels:
        return None
    for explain in EXPLAINERS:
        found = explain(output, prepared, geometry, label=recipe.labels[0])
        if found is not None:
            return found
    return None


def level_of(image: Image) -> Literal["picture", "scan"]:
    """A single slice is answered like a picture, several like a scan."""
    return "picture" if image.geometry.shape[0] == 1 else "scan"
