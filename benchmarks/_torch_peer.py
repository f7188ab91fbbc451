"""The default bundle's network as a researcher would run it: eager torch, fp32, default layout."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from ctsieve.bundles.bundle import Bundle
from ctsieve.models.la_dnn import LaDnn, LaDnnConfig, LaDnnMean

BATCH = 16


def eager(bundle: Bundle) -> Callable[[npt.NDArray[np.float32]], None]:
    """A function that runs the bundle's weights on `x` (S, 1, H, W), 16 slices at a time."""
    state = load_file(bundle.folder / "weights.safetensors")
    names = {name.split(".")[1] for name in state if name.startswith("members.")}
    members = [LaDnn(LaDnnConfig()) for _ in names]
    model = LaDnnMean(members) if members else LaDnn(LaDnnConfig())
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or [name for name in missing if "num_batches" not in name]:
        raise RuntimeError(f"{len(missing)} weights are missing, {len(unexpected)} are unexpected")
    model.eval()

    def run(x: npt.NDArray[np.float32]) -> None:
        with torch.inference_mode():
            for start in range(0, x.shape[0], BATCH):
                model(torch.from_numpy(x[start : start + BATCH]))

    return run
