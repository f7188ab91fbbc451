"""EfficientNet-b1 on single slices: one of the baselines (see `_slice_classifier`).

Paper    Tan, Le, ICML 2019, arXiv:1905.11946.  LA-DNN names it as a backbone.
Differs  `paper` and `fixed` are the same.
"""

from ctsieve.models._slice_classifier import baseline

CARD = baseline(
    "efficientnet-b1", title="EfficientNet-b1 on slices", paper="https://arxiv.org/abs/1905.11946"
)
