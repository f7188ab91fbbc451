"""GoogLeNet on single slices: one of the baselines (see `_slice_classifier`).

Paper    Szegedy et al., CVPR 2015, arXiv:1409.4842.  The other backbone of the series paper.
Differs  `paper` and `fixed` are the same.
"""

from ctsieve.models._slice_classifier import baseline

CARD = baseline("googlenet", title="GoogLeNet on slices", paper="https://arxiv.org/abs/1409.4842")
