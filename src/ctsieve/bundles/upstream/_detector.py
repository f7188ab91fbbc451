"""Names and sizes of the detector that four repositories of Ter-Sarkisov share.

Old and new torchvision spell a feature pyramid differently, the list of sieves holds one module
several times, and parameters are listed twice: all names of a tensor become the first one.
"""

from ctsieve.bundles.upstream._names import Rule, count, size
from ctsieve.types.cards import Settings, Shapes
from ctsieve.types.errors import BundleError

PYRAMID: Rule = (r"(fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2")
PROPOSALS: Rule = (r"^rpn\.head\.conv\.0\.0\.", "rpn.head.conv.")
SPELLINGS: tuple[Rule, ...] = (PYRAMID, PROPOSALS)
MASK: Rule = (r"(mask_predictor(?:_s2)?)\.conv5_mask\.", r"\1.conv_mask.")
"""For models here that call the transposed convolution `conv_mask`."""
MASK5: Rule = (r"(mask_predictor)\.conv_mask\.", r"\1.conv5_mask.")
"""For models here that call it `conv5_mask`."""

_BODY = "backbone.body."
_BOTTLENECKS = {(64, 6): "resnet50", (128, 6): "resnext50", (256, 23): "resnext101"}
_BASIC = {2: "resnet18", 3: "resnet34"}


def detector_settings(shapes: Shapes) -> Settings:
    """Sizes of backbone and branches from shapes under our names.

    Raises:
        BundleError: a tensor that tells a size is absent, or no backbone here has such layers.
    """
    last_layer = count(shapes, rf"{_BODY}layer(\d)\.")
    masks = count(shapes, r"roi_heads\.mask_head\.mask_fcn(\d+)\.weight")
    settings: Settings = {
        "detector.backbone.name": _backbone(shapes),
        "detector.backbone.last_layer": last_layer,
        "detector.backbone.num_levels": count(shapes, r"backbone\.fpn\.inner_blocks\.(\d+)\."),
        "detector.backbone.channels": size(shapes, "backbone.fpn.inner_blocks.0.0.weight"),
        "detector.branches.num_kinds": size(shapes, "roi_heads.box_predictor.cls_score.weight"),
        "detector.branches.box_features": size(shapes, "roi_heads.box_head.fc7.weight"),
    }
    if masks:
        widths = (size(shapes, f"roi_heads.mask_head.mask_fcn{i + 1}.weight") for i in range(masks))
        settings["detector.branches.mask_channels"] = tuple(widths)
    return settings


def region_score_settings(shapes: Shapes) -> Settings:
    """Sizes of module S, which reads a score and four deltas of every region."""
    return {
        "regions.number": size(shapes, "s2new.fc_scores.weight", 1) // 5,
        "features": size(shapes, "s2new.fc_scores.weight"),
        "num_labels": size(shapes, "s2new.fc_scores_img.weight"),
    }


def num_sieve_stages(published: Shapes, layer: str) -> int:
    """How often the list of sieves holds its one module, by the names before renaming."""
    return max(1, count(published, rf"(?:module\.)?{layer}\.sieve\.(\d+)\."))


def _backbone(shapes: Shapes) -> str:
    """Which residual network has such blocks; layer 3 tells those of equal width apart."""
    width = size(shapes, f"{_BODY}layer1.0.conv1.weight")
    first, third = (count(shapes, rf"{_BODY}layer{i}\.(\d+)\.") for i in (1, 3))
    if f"{_BODY}layer1.0.conv3.weight" in shapes:
        name = _BOTTLENECKS.get((width, third))
    else:
        name = _BASIC.get(first) if width == 64 else None
    if name is None:
        raise BundleError(
            f"no backbone here has layers of {first} and {third} blocks, the first {width} wide",
            hint="known: resnet18, resnet34, resnet50, resnext50, resnext101",
        )
    return name
