"""Packed slices, spread slices, and a Bi-LSTM that is equal to torch's own packing."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ctsieve.models._sequences import read_both_ways, spread, weigh


@st.composite
def masks(draw: st.DrawFn) -> Tensor:
    """Masks (B, S) that keep at least one slice of every scan."""
    batch, length = draw(st.integers(1, 4)), draw(st.integers(1, 7))
    rows = st.lists(st.booleans(), min_size=length, max_size=length).filter(any)
    return torch.tensor(draw(st.lists(rows, min_size=batch, max_size=batch)))


@settings(deadline=None, max_examples=40)
@given(masks(), st.integers(0, 1000))
def test_reading_both_ways_is_torch_s_packing(keep: Tensor, seed: int) -> None:
    torch.manual_seed(seed)
    lstm = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
    x = torch.randn(*keep.shape, 3)
    with torch.no_grad():
        read = read_both_ways(lstm, x[keep], keep)
        scans = [row[mask] for row, mask in zip(x, keep, strict=True)]
        lengths = torch.tensor([len(scan) for scan in scans])
        padded = nn.utils.rnn.pad_sequence(scans, batch_first=True)
        packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        states, (final, _) = lstm(packed)
        states, _ = pad_packed_sequence(states, batch_first=True)
    for i, number in enumerate(lengths.tolist()):
        torch.testing.assert_close(read.states[i][keep[i]], states[i, :number])
        torch.testing.assert_close(read.last[i], states[i, number - 1])
    torch.testing.assert_close(read.ends, torch.cat([final[0], final[1]], dim=1))


@settings(deadline=None, max_examples=40)
@given(masks())
def test_packing_what_was_spread_gives_it_back(keep: Tensor) -> None:
    packed = torch.randn(int(keep.sum()), 5)
    assert spread(packed, keep)[keep].equal(packed)
    assert not spread(packed, keep)[~keep].any()


@settings(deadline=None, max_examples=40)
@given(masks(), st.integers(0, 1000))
def test_weights_are_a_share_of_the_kept_slices(keep: Tensor, seed: int) -> None:
    score = torch.randn(*keep.shape, generator=torch.Generator().manual_seed(seed)) * 20.0
    weights = weigh(score, keep)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(keep)))
    assert not weights[~keep].any()
