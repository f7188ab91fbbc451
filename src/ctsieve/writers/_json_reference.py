"""The schema of screening.json and its reference page, made from the model that writes it."""

import json
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from ctsieve.writers._json_model import SCHEMA_VERSION, ScreeningRecord

SCHEMA_ADDRESS = "https://json-schema.org/draft/2020-12/schema"

HEAD = f"""\
# screening.json

Written by `ctsieve screen --format json` and printed by `ctsieve screen --json`. Schema version
{SCHEMA_VERSION}: [screening.schema.json](screening.schema.json) (JSON Schema, draft 2020-12). This
page is made from the model that writes the file; `make docs` makes it anew.

- Every field is always there; what is not known is `null`, what does not exist is an empty list or
  object. There is no NaN and no infinity.
- A new version `1.x` may add fields. Only a new first number takes fields away or changes what
  they mean.
- The same image judged by the same bundle gives the same bytes: there is no date and no host in it.
- Numbers are rounded: probabilities and logits to 6 decimals, millimetres to 3, millilitres to 1,
  measurements to 6 significant digits. The recipe is not, so that its digest can be checked.
- UIDs are there because they link a result to its images: keep the file where you keep the images.
  A value in a UID's place that is no UID could name a person and is given as `hashed:` with 12
  hexadecimal digits (the start of its SHA-256). File names, folder names and patient fields are
  nowhere in the file.

```python
import json

answer = json.load(open("screening.json"))
if answer["prediction"]["call"] == "positive":
    print(answer["prediction"]["probability"], answer["top_slices"])
```
"""


def schema_text() -> str:
    """JSON Schema of the file, as it is published in docs/reference/screening.schema.json."""
    schema = ScreeningRecord.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps({"$schema": SCHEMA_ADDRESS, **schema}, indent=2) + "\n"


def reference_text() -> str:
    """The page docs/reference/json.md: a table of fields for every object in the file."""
    parts = [HEAD]
    waiting: list[tuple[str, type[BaseModel]]] = [("The file", ScreeningRecord)]
    seen: set[type[BaseModel]] = set()
    while waiting:
        title, model = waiting.pop(0)
        if model in seen:
            continue
        seen.add(model)
        parts.append(_section(title, model))
        for name, field in model.model_fields.items():
            path = name if title == "The file" else f"{title}.{name}"
            waiting += [(path, inner) for inner in _models(field.annotation)]
    return "\n".join(parts)


def _section(title: str, model: type[BaseModel]) -> str:
    heading = title if title == "The file" else f"`{title}`"
    about = " ".join((model.__doc__ or "").split())
    lines = [f"## {heading}", "", about, "", "| field | type | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        kind = _type_name(field.annotation).replace("|", "\\|")
        meaning = field.description or RECIPE_WORDS[f"{model.__name__}.{name}"]
        lines.append(f"| `{field.alias or name}` | {kind} | {meaning} |")
    return "\n".join([*lines, ""])


def _models(kind: object) -> list[type[BaseModel]]:
    """The objects inside a type: of a list, of a mapping, of an optional."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for part in get_args(kind) for model in _models(part)]


def _type_name(kind: object) -> str:
    """A type in JSON's words."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " \\| ".join(f"`{part}`" for part in parts).replace("\\|", "|")
    if origin in (Union, UnionType):
        return " | ".join(_type_name(part) for part in parts)
    if origin is tuple:
        return _array_name(parts)
    if origin is dict:
        return f"object of {_type_name(parts[1])}"
    plain = parts[0] if origin is Annotated else kind
    return JSON_NAMES.get(plain, "object")


def _array_name(parts: tuple[object, ...]) -> str:
    if len(parts) == 2 and parts[1] is Ellipsis:
        return f"array of {_type_name(parts[0])}"
    return f"array of {len(parts)} {_type_name(parts[0])}"


JSON_NAMES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}

RECIPE_WORDS = {
    "Recipe.schema_version": "Version of the recipe's own schema.",
    "Recipe.kind": "`slice`: slice by slice; `scan`: the sequence; `instances`: objects in slices.",
    "Recipe.labels": "The labels this bundle knows, in output order, the primary one first.",
    "Recipe.multi_label": "True: a sigmoid per label; false: a softmax, they sum to 1.",
    "Recipe.lesions": "Kinds of lesion, in output order.",
    "Recipe.lesion_thresholds": "One per kind of lesion, or none.",
    "Recipe.objects": "Of a network that finds objects: what they mean; else null.",
    "Recipe.input": "How an image becomes the network's input.",
    "Recipe.slice_rule": "How slice logits become a scan logit.",
    "Recipe.picture": "Calibration and thresholds for a single picture and for each slice.",
    "Recipe.scan": "The same for a volume or a stack; fields as in `recipe.picture`.",
    "Recipe.min_slices": "With fewer slices that show lungs a scan is not called.",
    "Recipe.num_top_slices": "How many slices are shown as the ones that decided most.",
    "InputSpec.size": "Rows and columns.",
    "InputSpec.window": "The HU window.",
    "InputSpec.crop": "The box that is cut out of every slice before resizing.",
    "InputSpec.margin": "Border around the box, as a share of its sides.",
    "InputSpec.normalise": "`percentile`: each slice's 1st to 99th percentile becomes 0 to 1.",
    "InputSpec.num_slices": "This many, evenly spaced, of the slices with lungs; null: all.",
    "ObjectRule.kinds": "Names of the network's labels 1, 2, ...",
    "ObjectRule.organs": "Kinds that are no lesions.",
    "ObjectRule.score": "An object counts from this score on.",
    "ObjectRule.mask": "A place belongs to an object from this probability on.",
    "SliceRule.kind": "`top-mean`: mean logit of the highest slices.",
    "SliceRule.fraction": "Share of the slices that `top-mean` takes, rounded up.",
    "Level.calibration": "One per label.",
    "Level.thresholds": "One per label, in label order.",
    "Level.uncertain": "No call is made strictly inside this band of the first probability.",
    "WindowSpec.centre": "Centre in HU.",
    "WindowSpec.width": "Width in HU.",
    "Calibration.slope": "Slope.",
    "Calibration.intercept": "Intercept.",
    "Calibration.fitted": "What it was fitted on; null: not calibrated.",
    "Threshold.label": "The label.",
    "Threshold.value": "At or above it the label is positive.",
    "Threshold.fitted": "What it was chosen on; null: set by hand.",
    "Threshold.sensitivity": "Sensitivity reached on that data.",
    "Threshold.specificity": "Specificity reached on that data.",
    "FittedOn.data": "The data.",
    "FittedOn.digest": "Digest of the split.",
    "FittedOn.side": "Side of the split; never the test side.",
    "FittedOn.criterion": "How the number was chosen.",
    "FittedOn.leakage": "What the split is known to have on two sides; absent: nothing.",
    "FittedOn.num_cases": "Number of cases.",
    "FittedOn.num_patients": "Number of patients.",
}
"""Sentences for the recipe, whose model lives in `types` and carries comments instead."""
