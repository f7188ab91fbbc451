"""The batch of regions: how boxes are chosen, repeated and ordered, and masks put back."""

from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image

from ctsieve.models._detector.config import ProposalConfig, RegionConfig
from ctsieve.models._detector.paste import paste
from ctsieve.models._detector.proposals import filter_proposals
from ctsieve.models._detector.regions import (
    Regions,
    candidates,
    distance_order,
    even_repetition,
    random_repetition,
    region_batch,
    survivors,
)

SIZE = (80, 64)
corners = st.tuples(st.floats(0, 60), st.floats(0, 76), st.floats(0.1, 40), st.floats(0.1, 40))


def found(number: int, seed: int = 0) -> Regions:
    """`number` regions in decreasing order of score that do not overlap."""
    random = torch.Generator().manual_seed(seed)
    left = torch.arange(number) * 2.0
    boxes = torch.stack([left, left, left + 1.0, left + 1.0], dim=1)
    boxes = boxes[torch.randperm(number, generator=random)]
    scores = torch.linspace(0.9, 0.1, number) if number else torch.empty(0)
    return Regions(boxes, scores, torch.ones(number, dtype=torch.int64), boxes / 10.0)


@given(st.integers(1, 40), st.integers(3, 20))
def test_repeated_evenly_all_survivors_stay_in_order(kept: int, number: int) -> None:
    index = even_repetition(torch.zeros(kept), number)
    times = index.bincount(minlength=min(kept, number))
    assert index.equal(index.sort().values)
    assert len(index) == number
    assert len(times) == min(kept, number)
    assert times.max() - times.min() <= 1


@given(st.integers(1, 40), st.integers(3, 20), st.integers(0, 99))
def test_repeated_at_random_all_survivors_stay_in_order(kept: int, number: int, seed: int) -> None:
    index = random_repetition(kept, number, torch.Generator().manual_seed(seed))
    assert index[0] == 0
    assert set(index.diff().tolist()) <= {0, 1}
    assert len(index) == number
    if kept < number:
        assert index[-1] == kept - 1
        assert index[-2] == kept - 1, "no survivor starts in the last slot"


def test_enough_survivors_need_no_random_number() -> None:
    before = torch.get_rng_state()
    for config in (RegionConfig(number=4), RegionConfig(number=4, padding="random")):
        batch = region_batch(found(7), SIZE, config)
        assert batch.boxes.equal(found(7).boxes[:4])
    assert torch.get_rng_state().equal(before)


def test_the_same_generator_repeats_the_same_regions() -> None:
    config = RegionConfig(number=16, padding="random")
    one, two, other = (
        region_batch(found(6), SIZE, config, torch.Generator().manual_seed(seed)).boxes
        for seed in (1, 1, 2)
    )
    assert one.equal(two)
    assert not one.equal(other)


@pytest.mark.parametrize("padding", ["even", "random"])
def test_where_nothing_is_found_the_whole_image_is_the_region(
    padding: Literal["even", "random"],
) -> None:
    config = RegionConfig(number=5, padding=padding)
    batch = region_batch(found(0), SIZE, config)
    assert batch.boxes.equal(torch.tensor([[0.0, 0.0, 64.0, 80.0]]).expand(5, 4))
    assert not batch.scores.any()
    assert not batch.labels.any()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20))
def test_regions_are_read_from_the_first_pixel_on(places: list[tuple[int, int]]) -> None:
    first = torch.tensor(places, dtype=torch.float32)
    order = distance_order(torch.cat([first, first + 1.0], dim=1))
    assert order.equal(first.norm(dim=1).argsort(stable=True))


def judged(number: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(3)
    first = torch.rand(number, 2) * 50.0
    proposals = torch.cat([first, first + 5.0 + 10.0 * torch.rand(number, 2)], dim=1)
    return torch.randn(number, 4), 0.5 * torch.randn(number, 16), proposals


def test_candidates_stay_together_by_proposal_and_inside_the_image() -> None:
    logits, deltas, proposals = judged(9)
    every = candidates(logits, deltas, proposals, SIZE)
    assert every.labels.tolist() == [1, 2, 3] * 9
    assert every.deltas.reshape(9, 12).equal(deltas[:, 4:])
    assert (every.boxes >= 0).all()
    assert (every.boxes <= torch.tensor([64.0, 80.0, 64.0, 80.0])).all()
    torch.testing.assert_close(every.scores.reshape(9, 3).sum(dim=1), 1 - logits.softmax(1)[:, 0])


def test_only_boxes_of_one_kind_suppress_each_other() -> None:
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    same = Regions(
        box.expand(3, 4), torch.tensor([0.5, 0.9, 0.7]), torch.tensor([1, 1, 2]), box.expand(3, 4)
    )
    kept = survivors(same, RegionConfig())
    assert kept.labels.tolist() == [1, 2]
    torch.testing.assert_close(kept.scores, torch.tensor([0.9, 0.7]))


def test_regions_without_area_are_left_out() -> None:
    flat = torch.tensor([[0.0, 5.0, 10.0, 5.0], [0.0, 0.0, 4.0, 4.0]])
    regions = Regions(flat, torch.tensor([0.9, 0.1]), torch.tensor([1, 1]), flat)
    assert survivors(regions, RegionConfig()).boxes.equal(flat[1:])


@pytest.mark.parametrize(("min_side", "kept"), [(0.0, [0, 1]), (1e-3, [1])])
def test_the_authors_propose_boxes_without_area(min_side: float, kept: list[int]) -> None:
    boxes = torch.tensor([[0.0, 5.0, 10.0, 5.0], [0.0, 0.0, 4.0, 4.0]])
    proposals = filter_proposals(
        boxes,
        torch.tensor([30.0, 20.0]),
        per_level=(2,),
        size=SIZE,
        config=ProposalConfig(min_side=min_side),
    )
    assert proposals.anchor.tolist() == kept


def test_proposals_rank_by_logit_where_sigmoids_are_equal() -> None:
    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 4.1], [20.0, 20.0, 24.0, 24.0]])
    logits = torch.tensor([40.0, 41.0, 42.0])
    assert logits.sigmoid().unique().numel() == 1
    proposals = filter_proposals(
        boxes, logits, per_level=(1, 2), size=SIZE, config=ProposalConfig()
    )
    assert proposals.anchor.tolist() == [2, 1, 0], "levels do not suppress each other"


@settings(deadline=None)
@given(st.lists(corners, min_size=1, max_size=6), st.integers(0, 99))
def test_masks_are_pasted_as_torchvision_pastes_them(
    places: list[tuple[float, float, float, float]], seed: int
) -> None:
    boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in places])
    masks = torch.rand(len(boxes), 28, 28, generator=torch.Generator().manual_seed(seed))
    want = paste_masks_in_image(masks[:, None], boxes, SIZE)[:, 0]
    torch.testing.assert_close(paste(masks, boxes, SIZE), want, rtol=0.0, atol=1e-5)


def test_no_masks_paste_to_no_masks() -> None:
    assert paste(torch.zeros(0, 28, 28), torch.zeros(0, 4), SIZE).shape == (0, *SIZE)
