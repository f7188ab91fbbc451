"""ImageNet weights reach the families whose papers start from them, out of torch's own cache."""

from pathlib import Path

import pytest
import torch
from torchvision import models as zoo

from ctsieve.models._imagenet import ZOO, load_trunk
from ctsieve.models._series import SeriesConfig
from ctsieve.models.resnet50_att2 import ResNet50Att2, ResNet50Att2Config
from ctsieve.models.series_bilstm import build as series_bilstm
from ctsieve.types.errors import CtsieveError
from ctsieve.types.promise import BrokenPromise


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Weights of a ResNet50 where torchvision looks before it downloads."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(5)
    state: dict[str, torch.Tensor] = zoo.resnet50(weights=None).state_dict()
    file = tmp_path / "hub" / "checkpoints" / Path(zoo.get_weight(ZOO["resnet50"]).url).name
    file.parent.mkdir(parents=True)
    torch.save(state, file)
    return state


def test_the_backbone_is_filled_and_nothing_else(cached: dict[str, torch.Tensor]) -> None:
    for model in (ResNet50Att2(ResNet50Att2Config()), series_bilstm(SeriesConfig())):
        before = {key: value.clone() for key, value in model.state_dict().items()}
        load_trunk(model, "resnet50")
        for key, value in model.state_dict().items():
            is_ours = key not in cached or key.startswith("fc.")
            assert value.equal(before[key] if is_ours else cached[key]), key


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_without_network_and_cache_there_is_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(CtsieveError, match="resnet18") as refusal:
        load_trunk(torch.nn.Linear(1, 1), "resnet18")
    assert "connect once" in refusal.value.hint


def test_a_model_without_that_backbone_is_a_defect(cached: dict[str, torch.Tensor]) -> None:
    with pytest.raises(BrokenPromise, match="resnet50"):
        load_trunk(torch.nn.Linear(1, 1), "resnet50")


def test_every_name_is_one_of_torchvision_s() -> None:
    for name, weights in ZOO.items():
        assert str(zoo.get_weight(weights)) == weights, name
