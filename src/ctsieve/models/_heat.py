"""Grad-CAM++ of a linear layer over pooled maps, in closed form: an output of the graph.

Paper    Chattopadhay et al., "Grad-CAM++", WACV 2018, arXiv:1710.11063, equations 10 and 19.

Shapes   B images, F features, O outputs of the linear layer, H W rows and columns of the last map.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F


def grad_cam_plus_plus(
    map_BFHW: Float[Tensor, "B F H W"], weight_OF: Float[Tensor, "O F"]
) -> Float[Tensor, "B O H W"]:
    """Grad-CAM++ of a linear layer over globally averaged maps, without differentiating.

    Chattopadhay et al. (WACV 2018), equations 10 and 19, with n = H W: the gradient of a logit is
    w_f / n everywhere, so that every alpha_f is 1 / (2 + w_f mean(A_f)) and the map is
    relu(sum_f relu(w_f) / (2 + w_f mean(A_f)) A_f).  The common factor exp(logit) is left out.
    """
    pooled_BF = map_BFHW.mean(dim=(2, 3))
    share_BOF = F.relu(weight_OF) / (2.0 + F.relu(weight_OF) * pooled_BF[:, None])
    return F.relu(torch.einsum("bof,bfhw->bohw", share_BOF, map_BFHW))
