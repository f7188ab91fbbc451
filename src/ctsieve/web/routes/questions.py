"""What if: questions to an answer that is there already."""

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ctsieve.evaluation.prevalence import npv, ppv
from ctsieve.ops.decide import decide
from ctsieve.types.recipe import Recipe
from ctsieve.types.results import Prediction
from ctsieve.web.access import Serving, Viewer
from ctsieve.web.blinding import check_answer
from ctsieve.web.errors import InConflict, NotThere
from ctsieve.web.identity import Identity
from ctsieve.web.service import Service

router = APIRouter(prefix="/studies/{study}", tags=["studies"])


class Without(BaseModel):
    """Slices to leave out, counted as in the result."""

    slices: list[Annotated[int, Field(ge=0, le=100_000)]] = Field(max_length=10_000)


class Answer(BaseModel):
    """The answer that would be given."""

    probability: float
    call: Literal["positive", "negative", "none"]
    abstained: str | None


class Predictive(BaseModel):
    """Shares of right calls; null where nobody would be called so."""

    ppv: float | None
    npv: float | None


@router.post("/without")
def without(study: str, asked: Without, service: Serving, by: Viewer) -> Answer:
    """The answer if these slices had not been in the scan."""
    screening = _screening(study, service, by)
    if screening is None or not screening["slices"]:
        raise NotThere("no slice of this study was judged")
    recipe = Recipe.model_validate(screening["recipe"])
    left = [s for s in screening["slices"] if s["index"] not in set(asked.slices)]
    if recipe.kind != "slice" or not recipe.labels:
        raise InConflict(
            "this bundle reads the slices together, so the answer cannot be parted",
            hint="take the slices out of the study and upload it again",
        )
    if not left:
        raise InConflict("no slice is left")
    found = _decided(left, recipe, screening["prediction"]["level"])
    return Answer(
        probability=found.probability[recipe.labels[0]],
        call=_call(found),
        abstained=found.abstained,
    )


@router.get("/predictive")
def predictive(
    study: str,
    service: Serving,
    by: Viewer,
    prevalence: Annotated[float, Query(gt=0.0, lt=1.0)],
) -> Predictive:
    """PPV and NPV of the call where so many of the patients are ill (Bayes)."""
    screening = _screening(study, service, by)
    if screening is None:
        raise NotThere("there is no answer yet")
    recipe = Recipe.model_validate(screening["recipe"])
    level = recipe.scan if screening["prediction"]["level"] == "scan" else recipe.picture
    first = next(iter(level.thresholds), None)
    if first is None or first.sensitivity is None or first.specificity is None:
        raise InConflict("the bundle does not say how sensitive and specific its threshold is")
    rates = np.array([first.sensitivity]), np.array([first.specificity])
    values = [float(f(prevalence, *rates)[0]) for f in (ppv, npv)]
    right, wrong = (v if np.isfinite(v) else None for v in values)
    return Predictive(ppv=right, npv=wrong)


def _screening(study: str, service: Service, by: Identity) -> dict[str, Any] | None:
    row = service.studies.find(study, by)
    check_answer(service.database, by, row.id)
    return service.studies.screening(row)


def _decided(
    slices: list[dict[str, Any]], recipe: Recipe, level: Literal["picture", "scan"]
) -> Prediction:
    logits = np.array([[s["logit"][k] for k in recipe.labels] for s in slices], dtype=np.float32)
    return decide({"logits": logits}, recipe, num_slices=len(slices), level=level)


def _call(found: Prediction) -> Literal["positive", "negative", "none"]:
    if found.abstained is not None:
        return "none"
    return "positive" if set(found.positive) - {"neither"} else "negative"
