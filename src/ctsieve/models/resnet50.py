"""ResNet50 on single slices: one of the baselines (see `_slice_classifier`).

Paper    He et al., CVPR 2016, arXiv:1512.03385.  A baseline of the One Shot papers; the
         ATT2 and series papers build on it.
Differs  `paper` and `fixed` are the same.
"""

from ctsieve.models._slice_classifier import baseline

CARD = baseline("resnet50", title="ResNet50 on slices", paper="https://arxiv.org/abs/1512.03385")
