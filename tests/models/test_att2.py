"""What is said of ATT2: where its global vector matters, what is frozen, what 16 slices mean."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ctsieve.models.resnet50_att2 import (
    ResNet50Att2,
    ResNet50Att2Config,
    ResNet50Att2Output,
    SpatialAttention,
)
from ctsieve.models.resnet50_lstm_att2 import (
    ResNet50LstmAtt2,
    ResNet50LstmAtt2Config,
    is_trained,
)
from ctsieve.types.errors import InputRejected

PAPER = ResNet50Att2Config(preset="paper")
FIXED = ResNet50Att2Config(preset="fixed")
PRINTED_DOT = ResNet50Att2Config(preset="paper", compatibility="dot")
DOT = ResNet50Att2Config(preset="fixed", compatibility="dot")


def counted(model: nn.Module, condition: Callable[[str], bool] = bool) -> int:
    return sum(p.numel() for name, p in model.named_parameters() if condition(name))


def without_its_global_vector(config: ResNet50Att2Config) -> tuple[Tensor, Tensor]:
    """Logits before and after the global vector's blocks and projection get other weights."""
    torch.manual_seed(1)
    model = ResNet50Att2(config).double().eval()
    x = torch.rand(1, 1, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        before: ResNet50Att2Output = model(x)
        for part in (model.layer5, model.attention1.proj):
            for weight in part.parameters():
                weight.copy_(torch.randn_like(weight) * weight.std().nan_to_num(1.0))
        return before.logits, model(x).logits


def test_as_printed_the_global_vector_cancels() -> None:
    before, after = without_its_global_vector(PAPER)
    assert (before - after).abs().max() < 1e-9 * before.abs().max()


@pytest.mark.parametrize("config", [FIXED, DOT, PRINTED_DOT], ids=str)
def test_elsewhere_the_global_vector_matters(config: ResNet50Att2Config) -> None:
    before, after = without_its_global_vector(config)
    assert (before - after).abs().max() > 1e-4 * before.abs().max()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.floats(-3.0, 3.0))
def test_equation_11_as_printed_ignores_what_is_added_everywhere(seed: int, shift: float) -> None:
    torch.manual_seed(seed)
    printed = SpatialAttention(PAPER, features=6, global_features=6)
    cells, vector = torch.randn(2, 6, 3, 4), torch.randn(2, 6, 1, 1)
    moved = printed(cells, vector + shift).attention
    torch.testing.assert_close(moved, printed(cells, vector).attention, rtol=1e-3, atol=1e-5)


def test_equation_12_prefers_what_looks_like_the_global_vector() -> None:
    module = SpatialAttention(DOT, features=4, global_features=4)
    cells = torch.eye(4).view(1, 4, 2, 2) * 5.0
    for place in range(4):
        alike = cells[:, :, place // 2, place % 2].view(1, 4, 1, 1)
        assert int(module(cells, alike).attention.flatten().argmax()) == place


def test_counts_are_the_authors() -> None:
    for config in (PAPER, FIXED):
        assert counted(ResNet50Att2(config)) == 39_005_251
        assert len(ResNet50Att2(config).state_dict()) == 377
    assert counted(ResNet50Att2(DOT)) == 39_005_251 - 1024 - 2048
    scans = ResNet50LstmAtt2(ResNet50LstmAtt2Config(preset="paper"))
    assert (counted(scans), len(scans.state_dict())) == (42_406_979, 388)
    assert counted(scans, is_trained) == 3_410_947


def test_the_features_of_slices_stay_in_evaluation_mode() -> None:
    scans = ResNet50LstmAtt2(ResNet50LstmAtt2Config()).train()
    assert scans.training
    assert scans.lstm.training
    assert not any(module.training for module in scans.embeddings.modules())


@pytest.fixture(scope="module")
def paper_scans() -> ResNet50LstmAtt2:
    return ResNet50LstmAtt2(ResNet50LstmAtt2Config(preset="paper")).eval()


def test_the_paper_s_model_reads_16_slices_and_no_other_number(
    paper_scans: ResNet50LstmAtt2,
) -> None:
    x = torch.rand(1, 17, 1, 32, 32)
    keep = torch.ones(1, 17, dtype=torch.bool)
    with pytest.raises(InputRejected, match="got \\[17\\]"):
        paper_scans(x, keep)
    keep[0, 4] = False
    with torch.no_grad():
        assert paper_scans(x, keep).logits.shape == (1, 3)


def test_a_scan_without_a_slice_is_refused(paper_scans: ResNet50LstmAtt2) -> None:
    x, keep = torch.rand(2, 16, 1, 32, 32), torch.ones(2, 16, dtype=torch.bool)
    keep[1] = False
    with pytest.raises(InputRejected, match="scan 1 of the batch"):
        paper_scans(x, keep)


def test_the_paper_s_summary_has_read_backwards_one_slice_only() -> None:
    """Another first slice moves the fixed summary's backward half, and never the paper's."""
    moved = {}
    for preset in ("paper", "fixed"):
        torch.manual_seed(0)
        model = ResNet50LstmAtt2(ResNet50LstmAtt2Config(preset=preset)).eval()
        with torch.no_grad():  # let the global vector show the backward half
            model.gv.weight.copy_(torch.eye(256))
            model.gv.bias.zero_()
        x, keep = torch.rand(1, 16, 1, 64, 64), torch.ones(1, 16, dtype=torch.bool)
        other = x.clone()
        other[:, 0] = 0.0
        with torch.no_grad():
            before, after = model(x, keep).global_vector, model(other, keep).global_vector
        moved[preset] = float((before - after)[:, 128:].abs().max())
    assert moved["paper"] == 0.0
    assert moved["fixed"] > 0.0
