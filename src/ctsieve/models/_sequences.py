"""Slices of scans of different length: packed, spread, read in both directions, weighed.

Only kept slices exist for the layers here.  Values of slices are *packed* as (K, F), K being the
kept slices of all scans one after another, and *spread* over (B, S, F) where rows must line up.
What stands in a masked place is never read: not in evaluation, not by batch norm in training, not
by an exported graph, which holds these very operations.

Shapes   B scans, S places for slices, K kept slices of all scans, F features,
         N features of a state, half from each direction.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ctsieve.types.errors import InputRejected


class SliceFeatures(NamedTuple):
    """What a scan model keeps of every slice."""

    features: Float[Tensor, "K F"]


class BothWays(NamedTuple):
    """What a bidirectional LSTM says of every kept slice and of the whole."""

    states: Float[Tensor, "B S N"]  # 0 in masked places
    last: Float[Tensor, "B N"]  # at the last kept slice: its backward half has read that one only
    ends: Float[Tensor, "B N"]  # where each direction has read every kept slice


def require_slices(keep_BS: Bool[Tensor, "B S"]) -> None:
    """Refuse scans without a kept slice, which have no answer.

    Raises:
        InputRejected: no slice of some scan is kept.
    """
    if torch.onnx.is_in_onnx_export():  # an exported graph cannot refuse
        return
    empty = (~keep_BS.any(dim=1)).nonzero().flatten().tolist()
    if empty:
        raise InputRejected(
            f"scan {empty[0]} of the batch has no kept slice",
            hint="keep at least one slice of every scan",
        )


def spread(packed_KF: Float[Tensor, "K F"], mask_BS: Bool[Tensor, "B S"]) -> Tensor:
    """Put packed values into the true places of `mask_BS`, row by row; (B, S, F), else 0."""
    rows_BSF = packed_KF.new_zeros(*mask_BS.shape, packed_KF.shape[1])
    rows_BSF[mask_BS] = packed_KF
    return rows_BSF


def read_both_ways(
    lstm: nn.LSTM, packed_KF: Float[Tensor, "K F"], keep_BS: Bool[Tensor, "B S"]
) -> BothWays:
    """Run a one-layer bidirectional LSTM over the kept slices of each scan.

    Equal to `pack_padded_sequence`, which ONNX cannot express for unsorted lengths: the forward
    half is taken from scans that start at the first place, the backward half from scans that end at
    the last, so that neither reads padding before a slice.  The second run costs little beside
    the network that made the features.
    """
    num_places = keep_BS.shape[1]
    length_B1 = keep_BS.sum(dim=1, keepdim=True)
    place_S = torch.arange(num_places, device=keep_BS.device)
    front_BS, rear_BS = place_S < length_B1, place_S >= num_places - length_B1

    units = lstm.hidden_size
    forward_BSN = lstm(spread(packed_KF, front_BS))[0][..., :units]
    backward_BSN = lstm(spread(packed_KF, rear_BS))[0][..., units:]
    states_KN = torch.cat([forward_BSN[front_BS], backward_BSN[rear_BS]], dim=1)

    first_BN = spread(states_KN, front_BS)[:, 0]
    last_BN = spread(states_KN, rear_BS)[:, -1]
    ends_BN = torch.cat([last_BN[:, :units], first_BN[:, units:]], dim=1)
    return BothWays(spread(states_KN, keep_BS), last_BN, ends_BN)


def weigh(score_BS: Float[Tensor, "B S"], keep_BS: Bool[Tensor, "B S"]) -> Tensor:
    """Softmax over the kept slices of each scan; 0 in masked places."""
    return score_BS.masked_fill(~keep_BS, float("-inf")).softmax(dim=1)
