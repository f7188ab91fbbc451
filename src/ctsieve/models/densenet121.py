"""DenseNet121 on single slices: one of the baselines (see `_slice_classifier`).

Paper    Huang et al., CVPR 2017, arXiv:1608.06993.  A baseline of the One Shot papers.
Differs  `paper` and `fixed` are the same.
"""

from ctsieve.models._slice_classifier import baseline

CARD = baseline(
    "densenet121", title="DenseNet121 on slices", paper="https://arxiv.org/abs/1608.06993"
)
