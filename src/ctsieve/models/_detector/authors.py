"""Names of tensors in the authors' checkpoints, brought to ours, which are theirs without aliases.

Source   State dictionaries of AlexTS1980/COVID-LSTM-Attention, -Affinity-Model, -Single-Shot-Model
         and -CT-Mask-Net, and the same in the spelling of later torchvision.
"""

import re
from collections.abc import Mapping

from torch import Tensor, nn

from ctsieve.types.errors import InputRejected

RENAMED = (
    (r"^module\.", ""),
    (r"(fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$", r"\1.0.\2"),
    (r"^((?:attn|affinity)_layer\.sieve)\.\d+\.", r"\1.0."),
    (r"^affinity_layer\.pars\.0$", "affinity_layer.batch_to_feat_mat"),
    (r"^affinity_layer\.pars\.1$", "affinity_layer.batch_to_feat_vec"),
    (r"^rpn\.head\.conv\.0\.0\.", "rpn.head.conv."),
)
"""Pattern and replacement: wrappers, older spellings, aliases of one tensor."""
MASK_LAYERS = ("conv_mask", "conv5_mask")


def load_authors(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load an authors' state dictionary into `model`.

    Raises:
        InputRejected: tensors are missing, unknown or of another shape, or two names of one tensor
            hold different numbers.
    """
    ours, renamed = model.state_dict(), from_authors(model, state)
    missing = sorted(set(ours) - set(renamed) - {k for k in ours if k.endswith("batches_tracked")})
    unknown = sorted(set(renamed) - set(ours))
    if missing or unknown:
        raise InputRejected(
            f"these weights are of another model: {len(missing)} tensors are missing"
            f" ({', '.join(missing[:3])}), {len(unknown)} are unknown ({', '.join(unknown[:3])})",
            hint="choose the model, backbone and number of kinds that the file was trained with",
        )
    for name, value in renamed.items():
        if value.shape != ours[name].shape:
            shapes = f"{tuple(value.shape)}, not {tuple(ours[name].shape)}"
            raise InputRejected(f"{name} has the shape {shapes}")
    model.load_state_dict({**ours, **renamed})


def from_authors(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of `state` under the names that `model` has for them.

    Raises:
        InputRejected: two names of one tensor hold different numbers.
    """
    ours = model.state_dict()
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        name = _our_name(key, ours)
        if name in renamed and not renamed[name].equal(value):
            raise InputRejected(f"{key} should be the same tensor as {name}, and differs")
        renamed[name] = value
    return renamed


def _our_name(key: str, ours: Mapping[str, Tensor]) -> str:
    for pattern, replacement in RENAMED:
        key = re.sub(pattern, replacement, key)
    for layer in MASK_LAYERS:
        other = re.sub(r"\.conv5?_mask\.", f".{layer}.", key)
        if other in ours:
            return other
    return key
