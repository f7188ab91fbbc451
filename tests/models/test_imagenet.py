"""ImageNet weights arrive unchanged, and what is missing is said in a sentence."""

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from tests.collection import DATA, needs_data
from torchvision.models import WeightsEnum

from ctsieve.models._imagenet import load_folded, load_from_torchvision, spread_statistics
from ctsieve.models.la_dnn import LaDnn, LaDnnConfig
from ctsieve.types.errors import CtsieveError, InputRejected

FOLDED = DATA / "pretrained" / "mobilenet_v2_imagenet_tf.npz"


@needs_data
def test_spreading_statistics_leaves_the_function_alone() -> None:
    torch.manual_seed(0)
    model = LaDnn(LaDnnConfig()).eval()
    load_folded(model, FOLDED)
    x = torch.rand(8, 1, 96, 96)
    with torch.no_grad():
        before = model(x).lesion_logits
        spread_statistics(model, x)
        after = model(x).lesion_logits
        torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)
        norm = next(m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d))
        assert norm.running_mean is not None
        assert norm.running_mean.abs().max() > 0.01


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    model = LaDnn(LaDnnConfig())
    with pytest.raises(InputRejected, match=r"absent\.npz"):
        load_folded(model, tmp_path / "absent.npz")
    arrays = {"000.w": np.zeros(3), "000.b": np.zeros(3)}
    np.savez(tmp_path / "other.npz", **arrays)  # type: ignore[arg-type]  # as in the stub
    with pytest.raises(InputRejected, match="convolution 0"):
        load_folded(model, tmp_path / "other.npz")


def test_without_a_network_the_hint_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setattr(WeightsEnum, "get_state_dict", unreachable)
    with pytest.raises(CtsieveError, match="resnet18") as refusal:
        load_from_torchvision(LaDnn(LaDnnConfig(backbone="resnet18")))
    assert "random" in refusal.value.hint
