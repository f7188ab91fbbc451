"""The chests and small networks that figures show, made once for all of them."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import safetensors.torch
import torch
from learning import Course, fit_guided, fit_patches, fit_scans, fit_segmentation, packed
from phantoms import KINDS, Chest, chest, cohort, finer
from torch import nn
from torchvision.models.resnet import Bottleneck

from ctsieve.bundles import store
from ctsieve.models import MODELS
from ctsieve.models._detector.config import (
    BackboneConfig,
    BranchConfig,
    DetectorConfig,
    ProposalConfig,
)
from ctsieve.models._one_shot.lstm import OneShotLstmConfig
from ctsieve.models._series import SeriesConfig, SeriesModel
from ctsieve.models.la_dnn import LaDnn, LaDnnConfig
from ctsieve.models.one_shot_lstm_attention import OneShotLstmAttention
from ctsieve.models.resnet50_att2 import ResNet50Att2, ResNet50Att2Config
from ctsieve.models.resnet50_lstm_att2 import ResNet50LstmAtt2, ResNet50LstmAtt2Config
from ctsieve.models.series_bilstm_attention import SeriesBilstmAttentionOutput
from ctsieve.models.series_bilstm_attention import build as build_series

NUM_EACH, FIRST_SEED = 10, 100
"""Chests of each kind to learn from."""
SHOWN_SEED, SHOWN_SLICES, SHOWN_MATRIX = 21, 24, 256
COVID = KINDS.index("covid")


class Lab:
    """Networks trained on phantom chests, each when it is first asked for.

    With `keep` their weights are stored in that folder and found there the next time.
    """

    def __init__(self, keep: Path | None, say: Callable[[str], None]) -> None:
        self.keep, self.say = keep, say

    @cached_property
    def chests(self) -> list[Chest]:
        """Chests to learn from."""
        self.say(f"drawing {3 * NUM_EACH} chests")
        return cohort(NUM_EACH, first_seed=FIRST_SEED)

    @cached_property
    def shown(self) -> Chest:
        """The ill chest of the figures, which no network has learned from."""
        return chest("covid", seed=SHOWN_SEED, num_slices=SHOWN_SLICES, matrix=SHOWN_MATRIX)

    @cached_property
    def att2(self) -> ResNet50Att2:
        """Slices: normal, pneumonia, COVID-19."""
        model = ResNet50Att2(ResNet50Att2Config())
        for block in (m for m in model.modules() if isinstance(m, Bottleneck)):
            nn.init.zeros_(block.bn3.weight)  # from scratch a shallow start learns sooner
        self._trained(
            "att2", model, lambda: fit_patches(model, self.chests, steps=160, say=self.say)
        )
        return model

    @cached_property
    def la_dnn(self) -> LaDnn:
        """Slices: COVID-19 or not; starts from the default bundle's weights."""
        model = LaDnn(LaDnnConfig(num_lesions=5))
        model.load_state_dict(_default_weights(), strict=False)

        def learn() -> None:
            fine = [finer(c) for c in self.chests if c.kind in (0, COVID)]
            fit_guided(model, fine, steps=80, say=self.say)

        self._trained("la-dnn", model, learn)
        return model

    @cached_property
    def scans(self) -> ResNet50LstmAtt2:
        """Scans: normal, pneumonia, COVID-19, from the frozen features of `att2`."""
        model = ResNet50LstmAtt2(ResNet50LstmAtt2Config())
        model.embeddings.load_state_dict(self.att2.state_dict(), strict=False)
        kinds = [c.kind for c in self.chests]
        self._trained(
            "scans",
            model,
            lambda: fit_scans(model, packed(model, self.chests), kinds, say=self.say),
        )
        return model

    @cached_property
    def slices(self) -> nn.Module:
        """GoogLeNet on slices: normal, pneumonia, COVID-19."""
        card = MODELS["googlenet"]
        model = card.build(card.config())
        self._trained(
            "slices",
            model,
            lambda: fit_patches(model, self.chests, steps=300, rate=1e-3, say=self.say),
        )
        return model

    @cached_property
    def series(self) -> SeriesModel[SeriesBilstmAttentionOutput]:
        """Scans: COVID-19 or not, from the features of `slices`, which stay as they are."""
        model = build_series(SeriesConfig(backbone="googlenet"))
        model.load_state_dict(self.slices.state_dict(), strict=False)
        ill = [int(c.kind == COVID) for c in self.chests]

        def learn() -> None:
            features = packed(model, self.chests)
            gentle = Course(steps=150, size=12, rate=5e-4)  # wide LSTMs go astray at more
            fit_scans(model, features, ill, say=self.say, course=gentle)

        self._trained("series", model, learn)
        return model

    @cached_property
    def one_shot(self) -> OneShotLstmAttention:
        """Lesions of slices: hazy, solid; only the segmentation is trained."""
        detector = DetectorConfig(
            # It ends early: at 128 pixels a cell of layer 3 would be as large as a lesion.
            backbone=BackboneConfig(name="resnet18", last_layer=2, channels=96),
            proposals=ProposalConfig(
                sizes=(8, 16, 32, 64),
                ratios=(0.5, 1.0, 2.0),
                num_after=(100, 100),
                foreground=0.5,
                positive_share=0.5,
            ),
            branches=BranchConfig(
                num_kinds=3,
                mask_channels=(96,),
                score=0.4,
                suppression=0.3,
                num_detections=6,
                foreground=0.5,
                batch=64,
            ),
        )
        model = OneShotLstmAttention(OneShotLstmConfig(detector=detector))
        self._trained(
            "one-shot", model, lambda: fit_segmentation(model, self.chests, steps=600, say=self.say)
        )
        return model

    def _trained(self, name: str, model: nn.Module, learn: Callable[[], None]) -> None:
        """Train `model`, or fill it with what was kept."""
        path = self.keep / f"{name}.safetensors" if self.keep else None
        if path and path.is_file():
            safetensors.torch.load_model(model, str(path))
        else:
            self.say(f"training {name}")
            learn()
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                safetensors.torch.save_model(model, str(path))
        model.eval()


def _default_weights() -> dict[str, torch.Tensor]:
    """Those of the default bundle's network, or of the first where it is a mean of several."""
    content = (store.find().folder / "weights.safetensors").read_bytes()
    state = {k: v.float() for k, v in safetensors.torch.load(content).items()}
    first = {k.removeprefix("members.0."): v for k, v in state.items() if "members.0." in k}
    return first or state
