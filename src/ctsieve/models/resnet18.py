"""ResNet18 on single slices: one of the baselines (see `_slice_classifier`).

Paper    He et al., CVPR 2016, arXiv:1512.03385.  LA-DNN names it as a backbone.
Differs  `paper` and `fixed` are the same.
"""

from ctsieve.models._slice_classifier import baseline

CARD = baseline("resnet18", title="ResNet18 on slices", paper="https://arxiv.org/abs/1512.03385")
