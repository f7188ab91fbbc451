"""ResNeXt101 on single slices: one of the baselines (see `_slice_classifier`).

Paper    Xie et al., CVPR 2017, arXiv:1611.05431.  A baseline of the One Shot papers,
         32 groups of 8 channels.
Differs  `paper` and `fixed` are the same.
"""

from ctsieve.models._slice_classifier import baseline

CARD = baseline(
    "resnext101", title="ResNeXt101 on slices", paper="https://arxiv.org/abs/1611.05431"
)
