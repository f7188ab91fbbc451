"""DenseNet169 on single slices: one of the baselines (see `_slice_classifier`).

Paper    Huang et al., CVPR 2017, arXiv:1608.06993.  LA-DNN's best backbone and baseline.
Differs  `paper` and `fixed` are the same.
"""

from ctsieve.models._slice_classifier import baseline

CARD = baseline(
    "densenet169", title="DenseNet169 on slices", paper="https://arxiv.org/abs/1608.06993"
)
