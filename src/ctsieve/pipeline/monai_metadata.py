"""What a bundle's `metadata.json` says: who made it, for what, and what its graphs take and return.

Source   MONAI Bundle Specification, section "metadata.json File" (docs.monai.io, mb_specification).
Differs  `monai_version`, `pytorch_version` and `numpy_version` are absent: neither made the graphs
         into what they are, and none is needed to run them; `required_packages_version` says what
         is.  A network that finds objects takes one image at a time, the others any number.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ctsieve.types.recipe import Recipe

SCHEMA: Final = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/"
    "0.8.1/meta_schema_20240725.json"
)
INTENDED_USE: Final = "Non-commercial research demonstration only. Not a medical device."
DATA_TYPE: Final = "DICOM, NIfTI, PNG, JPEG, TIFF"
ANY: Final = "*"
"""A size that differs from input to input."""

Tensor = dict[str, object]
Size = int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a person says of a bundle."""

    name: str
    version: str
    change: str = "first version"
    task: str
    description: str
    authors: str
    rights: str
    """Who holds which rights."""
    data_source: str = ""
    references: tuple[str, ...] = ()


def metadata(about: About, recipe: Recipe, outputs: Iterable[str] = ()) -> str:
    """The member as JSON.

    `outputs` are names of the graphs; what the recipe names is among them anyway.
    """
    names = dict.fromkeys([*_named(recipe), *outputs])
    document = {
        "schema": SCHEMA,
        "version": about.version,
        "changelog": {about.version: about.change},
        "name": about.name,
        "task": about.task,
        "description": about.description,
        "authors": about.authors,
        "copyright": about.rights,
        "data_source": about.data_source,
        "data_type": DATA_TYPE,
        "intended_use": INTENDED_USE,
        "references": list(about.references),
        "required_packages_version": {"onnxruntime": "1.20"},
        "network_data_format": {
            "inputs": {"image": _image(recipe)},
            "outputs": {name: _output(name, recipe) for name in names},
        },
    }
    return json.dumps(document, indent=1) + "\n"


def _named(recipe: Recipe) -> list[str]:
    objects = ("boxes", "labels", "scores", "roi_masks") if recipe.objects else ()
    named = {"logits": recipe.labels, "lesion_logits": recipe.lesions}
    return [*(name for name, channels in named.items() if channels), *objects]


def _image(recipe: Recipe) -> Tensor:
    channels = ("windowed slice, 0 the window's lower end",)
    size = list(recipe.input.size)
    return _tensor("image", "magnitude", channels, size, values=(0, 1)) | {"modality": "CT"}


def _output(name: str, recipe: Recipe) -> Tensor:
    if name.endswith("logits"):
        named = recipe.lesions if name == "lesion_logits" else recipe.labels
        return _tensor("probabilities", "classes", [f"logit of {one}" for one in named])
    type_, format_, channels, size = OUTPUTS[name]
    return _tensor(type_, format_, channels, size, dtype=INTEGERS.get(name, "float32"))


BOX: Final = ("left", "top", "right", "bottom")
OUTPUTS: Final[Mapping[str, tuple[str, str, Sequence[str], Sequence[Size]]]] = {
    "heat": ("image", "magnitude", ("Grad-CAM++ of the first label, unscaled",), (ANY, ANY)),
    "attention": ("series", "sequence", ("weight of each slice",), (ANY,)),
    "attention1": ("image", "magnitude", ("weight of each place, stride 16",), (ANY, ANY)),
    "attention2": ("image", "magnitude", ("weight of each place, stride 32",), (ANY, ANY)),
    "attention_positive": ("series", "sequence", ("weight of each region for a label",), (ANY,)),
    "attention_negative": ("series", "sequence", ("weight of each region against it",), (ANY,)),
    "boxes": ("tuples", "points", BOX, (ANY,)),
    "labels": ("series", "sequence", ("kind of each object, 0 an empty place",), (ANY,)),
    "scores": ("series", "sequence", ("score of each object",), (ANY,)),
    "roi_masks": ("image", "magnitude", ("probability inside an object's box",), (28, 28)),
    "regions": ("tuples", "points", BOX, (ANY,)),
    "region_scores": ("series", "sequence", ("score of each region",), (ANY,)),
    "region_labels": ("series", "sequence", ("kind of each region",), (ANY,)),
}
"""Outputs that no label names: type, format, channels, and size in space or time."""
INTEGERS: Final = {"labels": "int64", "region_labels": "int64"}


def _tensor(
    type_: str,
    format_: str,
    channels: Sequence[str],
    size: Sequence[Size] = (),
    *,
    dtype: str = "float32",
    values: Sequence[int] = (),
) -> Tensor:
    return {
        "type": type_,
        "format": format_,
        "modality": "n/a",
        "num_channels": len(channels),
        "spatial_shape": list(size),
        "dtype": dtype,
        "value_range": list(values),
        "is_patch_data": False,
        "channel_def": {str(number): channel for number, channel in enumerate(channels)},
    }
