"""Public golden files made anew by our own models from other seeds, sizes, batches and lengths.

Only the form of the files is tested with these: what is in them, our models have said themselves.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ctsieve.models.la_dnn import LaDnn
from ctsieve.models.mask_net import MaskNet, build
from ctsieve.models.one_shot_affinity import OneShotAffinity
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from ctsieve.models.resnet50_att2 import ResNet50Att2
from ctsieve.models.resnet50_lstm_att2 import ResNet50LstmAtt2
from ctsieve.models.single_shot import SingleShot
from tests.parity import Comparable, Fill, aff, ladnn, loc_ctnet, loc_ctseqnet, lstm, masknet, ssm

Made = dict[str, Any]
SEED = 31
"""Of weights and images."""
DIGEST = "weights_sha256"


def lstm_file(gold: Made, fill: Fill) -> Made:
    """Another image size, 12 regions, 4 classes of image, narrower LSTMs."""
    settings = {"box_detections_per_img_s2new": 12, "num_classes_img": 4, "lstm_feature_size": 64}
    gold = _with_image(gold, fill, (3, 192, 256)) | {"settings": gold["settings"] | settings}
    image = _image(gold, fill)
    gold["outputs"] = {"eval": gold["outputs"]["eval"]}
    for mode in gold["outputs"]:
        model = OneShotLstmAttention(lstm.config_of(gold, mode)).eval()
        gold[DIGEST] = _filled(model, fill)
        with torch.no_grad():
            proposals = model.look(image).proposals
            want = {"proposals": proposals.boxes, "proposal_logits": proposals.logits}
            stages = lstm.stages(model, image, want, gold["tolerances"][mode])
            gold["outputs"][mode] = _merged(stages)
    return gold


def lstm_padding_file(gold: Made, fill: Fill) -> Made:
    """One case: 10 regions of which few are found, another image size."""
    gold = _with_image(gold, fill, (3, 160, 192))
    case = gold["cases"][0] | {"torch_manual_seed": 5, "rpn_post_nms_top_n_test": 2}
    settings = {"box_detections_per_img_s2new": 10}
    config = lstm.config_of({"settings": settings}, case["mode"], num_after=2)
    model = OneShotLstmAttention(config).eval()
    _filled(model, fill)
    image = _image(gold, fill)
    with torch.no_grad():
        look = model.look(image)
        kept = len(model.survivors(look).scores)
        case |= {"survivors_k": kept} | _merged(lstm.classified(model, look, 5))
    torch.manual_seed(5)
    starts = (torch.randperm(8)[: kept - 1] + 1).sort().values
    case["padding_index"] = [int((starts <= slot).sum()) for slot in range(10)]
    return gold | {"cases": [case]}


def aff_file(gold: Made, fill: Fill) -> Made:
    """ResNet50, 6 regions, 32 affinities, one pass through the sieve, another image size."""
    words = "AFF: ResNet50 (layer3), beta 6, k 32, x_stages 1"
    gold = _with_image(gold, fill, (3, 160, 224)) | {"model": words, "padding_cases": []}
    gold["outputs"] = {"author": gold["outputs"]["author"]}
    for outputs in gold["outputs"].values():
        outputs["roi_scores"] = outputs["roi_scores"][:6]
    for mode in gold["outputs"]:
        model = OneShotAffinity(aff.config_of(gold, mode)).eval()
        gold[DIGEST] = _filled(model, fill)
        gold["outputs"][mode] = _merged(aff.stages(model, _image(gold, fill)))
    gold["arrays"] = {
        f"{mode}_affinity_vector": outputs["affinity_vector"]
        for mode, outputs in gold["outputs"].items()
    }
    return gold


def ssm_file(gold: Made, fill: Fill) -> Made:
    """ResNet34, 20 regions, a narrower module S, another image size and number of proposals."""
    words = "SSM: Single Shot Model, ResNet34 (layer3), 20 RoIs, S module 100-48-48-3"
    rpn = {"pre": {"training": 90, "testing": 80}, "post": {"training": 70, "testing": 60}}
    gold = _with_image(gold, fill, (3, 160, 224))
    gold |= {"model": words, "rpn": rpn, "padding_cases": []}
    model = SingleShot(ssm.config_of(gold)).eval()
    gold[DIGEST] = _filled(model, fill)
    return gold | {"outputs": _merged(ssm.stages(model, _image(gold, fill))), "arrays": {}}


def masknet_file(gold: Made, fill: Fill) -> Made:
    """ResNet34 cut after layer 4, 24 regions, a narrower module S, another image size."""
    words = "MASKNET: classifier (R34-t0, beta 24, S 40) and its segmentation stage"
    counts = {"pre": {"training": 90, "testing": 80}, "post": {"training": 70, "testing": 60}}
    gold = _with_image(gold, fill, (3, 192, 224))
    gold |= {"model": words, "padding_cases": [], "arrays": {}}
    gold["rpn"] = {"classifier": counts, "segmentation": counts}
    image = _image(gold, fill)
    classifier = MaskNet(masknet.config_of(gold, "classifier")).eval()
    gold[f"{DIGEST}_classifier"] = _filled(classifier, fill)
    config = replace(masknet.config_of(gold, "segmentation"), stage="segmentation")
    first = build(config).eval()
    gold[f"{DIGEST}_segmentation"] = _filled(first, fill)
    segmentation = _merged(masknet.segmentation(first, image))
    gold["arrays"] = {"segmentation_scores": segmentation["det_scores_all"]}
    gold["outputs"] = {
        "classifier": _merged(masknet.classification(classifier, image)),
        "segmentation": segmentation,
    }
    return gold


def loc_ctnet_file(gold: Made, fill: Fill) -> Made:
    """Three wider than high images, two classes."""
    gold = _with_image(gold, fill, (1, 96, 160), number=3)
    gold["outputs"]["logits"] = [[0.0, 0.0]] * 3
    model = ResNet50Att2(replace(loc_ctnet.sizes_of(gold), preset="paper")).eval()
    gold[DIGEST] = _filled(model, fill)
    stages = loc_ctnet.watch(model, loc_ctnet.STAGES)
    with torch.no_grad():
        output = model(torch.stack(_images(gold, fill)))
    outputs = {f"{k}_mean": v.mean(dim=(1, 2, 3)) for k, v in stages.items()}
    outputs |= {f"{k}_slice": stages[k][:, :4, 1, 2] for k in ("layer3", "layer4")}
    names = ("logits", "attention1", "attention2", "embedding")
    gold["arrays"] = {name: _plain(getattr(output, name)) for name in names}
    gold["outputs"] = {k: _plain(v) for k, v in outputs.items()} | {
        "logits": gold["arrays"]["logits"]
    }
    return gold


def loc_ctseqnet_file(gold: Made, fill: Fill) -> Made:
    """Two scans of five small slices, two classes, other slices and features kept."""
    gold = _with_image(gold, fill, (5, 64, 96), number=2)
    gold["outputs"]["logits"] = [[0.0, 0.0]] * 2
    gold["notes"] = [
        "slice_attention1/2 hold slices 1 and 4 only",
        "lstm_output_slice = H[:, :, ::16] (every 16th of the 256 features)",
    ]
    model = ResNet50LstmAtt2(replace(loc_ctseqnet.sizes_of(gold), preset="paper")).eval()
    gold[DIGEST] = _filled(model, fill)
    got = loc_ctseqnet.measured(model, torch.stack(_images(gold, fill)), gold)
    arrays = {k: _plain(v) for k, v in got.items()}
    return gold | {"arrays": arrays, "outputs": {"logits": arrays["logits"]}}


def ladnn_file(gold: Made, fill: Fill) -> Made:
    """DenseNet121, three outputs, two images of another size; the loss as it was."""
    gold = _with_image(gold, fill, (3, 64, 96), number=2)
    gold["weights_sample"] = {"densenet121_out.features.conv0.weight": []}
    gold["targets"] = [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    gold["outputs"] = {"logits": [[0.0] * 3] * 2}
    config = replace(ladnn.sizes_of(gold), preset="paper")
    model = LaDnn(config).eval()
    named = {f"densenet121_out.{k}": v for k, v in model.state_dict().items()}
    filled = fill.fill_state_dict(named, SEED)
    gold[DIGEST] = fill.fingerprint(filled)
    model.load_state_dict({k.removeprefix("densenet121_out."): v for k, v in filled.items()})
    pooled: list[Tensor] = []
    model.head.register_forward_pre_hook(lambda _, given: pooled.append(given[0]))
    with torch.no_grad():
        output = model(torch.stack(_images(gold, fill)))
    logits = torch.cat([output.logits, output.lesion_logits], dim=1)
    losses = ladnn.losses(output, gold["targets"])
    gold["outputs"] = {k: _plain(v) for k, v in {"logits": logits, **losses}.items()}
    gold["arrays"] = {"probabilities": _plain(logits.sigmoid()), "features": _plain(pooled[0])}
    return gold


MAKERS: Mapping[str, Callable[[Made, Fill], Made]] = {
    "lstm": lstm_file,
    "lstm_padding": lstm_padding_file,
    "aff": aff_file,
    "ssm": ssm_file,
    "masknet": masknet_file,
    "loc_ctnet": loc_ctnet_file,
    "loc_ctseqnet": loc_ctseqnet_file,
    "ladnn": ladnn_file,
}
"""The kinds with a network."""


def _with_image(gold: Made, fill: Fill, shape: tuple[int, int, int], *, number: int = 1) -> Made:
    kind = gold["images"][0]["kind"]
    seeds = [SEED * 1000 + n for n in range(number)]
    made = [fill.make_image(seed, shape, kind) for seed in seeds]
    specs = [
        {"seed": seed, "shape": list(shape), "kind": kind, "sha256": fill.image_sha256(image)}
        for seed, image in zip(seeds, made, strict=True)
    ]
    return gold | {"images": specs, "weights_seed": SEED, "arrays": {}}


def _images(gold: Made, fill: Fill) -> list[Tensor]:
    specs = gold["images"]
    return [fill.make_image(s["seed"], tuple(s["shape"]), s["kind"]) for s in specs]


def _image(gold: Made, fill: Fill) -> Tensor:
    return _images(gold, fill)[0][None]


def _filled(model: nn.Module, fill: Fill) -> str:
    """Give `model` the weights of our seed; their digest."""
    state = fill.fill_state_dict(model.state_dict(), SEED)
    model.load_state_dict(state)
    return fill.fingerprint(state)


def _merged(stages: Iterator[dict[str, Comparable]]) -> Made:
    with torch.no_grad():
        return {k: _plain(v) for stage in stages for k, v in stage.items()}


def _plain(value: Comparable) -> Any:  # noqa: ANN401  # whatever JSON can hold
    array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    return array.tolist()
