"""Figure 4 of LA-DNN's paper, Grad-CAM++, and occlusion, which checks it without gradients."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from drawing import Sheet, draw
from lab import Lab
from phantoms import finer
from PIL import Image
from scipy.special import expit
from showing import IS_TRUE, ill_slices, slice_output, view_of

from ctsieve.explain import gradcam, occlusion

LABEL = "covid19"


def figures(lab: Lab) -> Iterator[tuple[str, Image.Image]]:
    """One sheet: slices, Grad-CAM++, occlusion."""
    view, shown = view_of(lab.shown), finer(lab.shown)
    prepared, geometry = shown.prepared, shown.phantom.volume.geometry
    output = slice_output(lab.la_dnn, shown)
    graph = {"heat": output["heat"][:, 0]}
    cam = gradcam.explain(graph, prepared, geometry, label=LABEL)
    if cam is None:
        raise ValueError("the network has no heat")

    def score(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            logits: npt.NDArray[np.float32] = lab.la_dnn(torch.from_numpy(x)).logits[:, 0].numpy()
        return logits

    hidden = occlusion.explain(score, prepared, geometry, label=LABEL)
    checked = occlusion.faithfulness(score, prepared, cam)
    chosen = ill_slices(lab.shown, 4)
    place = {int(n): p for p, n in enumerate(prepared.index)}
    sheet = Sheet(
        title="LA-DNN: Grad-CAM++, and what hiding a part costs",
        headings=[],
        rows=[
            [
                view.tile(
                    n, words=[f"slice {n + 1}, COVID-19 {expit(output['logits'][place[n], 0]):.2f}"]
                )
                for n in chosen
            ],
            [view.tile(n, cam, truth=False, words=["Grad-CAM++"]) for n in chosen],
            [view.tile(n, hidden, truth=False, words=["occlusion"]) for n in chosen],
        ],
        words=[
            "Middle: Grad-CAM++ of the COVID-19 output, which the graph gives in closed form (as "
            "figure 4 of the paper). Below: how far the score falls when a cell is hidden. This "
            "network was taught where lesions are, too: nothing makes a map right by itself.",
            f"Without the hottest tenth of every slice the logit changes by "
            f"{-checked.hottest:+.2f} on "
            f"average, without a random tenth by {-checked.random:+.2f}{_verdict(checked)}.",
        ],
        legend=[IS_TRUE],
        heat=f"share of the peak ({cam.peak:.2f}; occlusion: {hidden.peak:.2f})",
    )
    yield "grad-cam", draw(sheet)


def _verdict(checked: occlusion.Faithfulness) -> str:
    """What the check means where the map is no better than chance."""
    if checked.hottest > checked.random:
        return ""
    return ": here the map does not say what the score depends on; occlusion does"
