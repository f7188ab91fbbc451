"""Mask R-CNN: lesions and their masks in a slice, without a class of the slice.

Paper    Ter-Sarkisov, "Detection and Segmentation of Lesion Areas in Chest CT Scans For The
         Prediction of COVID-19", medRxiv 2020.10.23.20218461: the "Mask R-CNN" that the LSTM paper
         compares with (table 1; AP 0.502/0.419/0.387); after He et al., "Mask R-CNN", ICCV 2017;
         the authors' code (AlexTS1980/COVID-CT-Mask-Net, commit f06cd37) where it is silent.
Differs  In both presets: images come in the size that the recipe says and are not resized inside;
         images of a batch do not influence one another; every level has all 30 anchors of the paper
         (the authors list five levels for four maps; the fifth has no map).
         `fixed` (default): masks are probabilities (`paper`: logits, 0 outside their box, where a
         threshold of 0.5 is a probability of 0.62); boxes without area are not proposed (`paper`:
         two of the 30 anchor shapes have none, and are).
Licence  No weights come along.  The authors' repository has no licence; no code is taken from it.
"""

from ctsieve.models._detector.mask_rcnn import MaskRcnn, MaskRcnnConfig
from ctsieve.models._detector.steps import EXEMPT
from ctsieve.types.cards import ModelCard

CARD = ModelCard(
    title="Mask R-CNN",
    paper="https://doi.org/10.1101/2020.10.23.20218461",
    config=MaskRcnnConfig,
    build=MaskRcnn,
    example_shape=(2, 1, 64, 64),
    size=(512, 512),
    num_parameters=31_728_744,
    exempt={
        **EXEMPT,
        "outputs": "there is no class of the image, hence no logits",
        "batch": "there is no class of the image; tests/models compares the objects",
    },
)
