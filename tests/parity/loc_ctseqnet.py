"""ResNet50-LSTM-ATT2 beside the authors' CTSeqNet, from embeddings to logits."""

from collections.abc import Iterator

import torch

from ctsieve.models.resnet50_lstm_att2 import ResNet50LstmAtt2, ResNet50LstmAtt2Config
from tests.parity import Arrays, Fill, Gold, Row, close, images, load_weights, recommended

NAME = "resnet50-lstm-att2"
SLICES = (0, 9)
"""The slices whose maps the golden file holds (its first note says so)."""
EVERY = 32
"""The golden file holds every 32nd feature of the LSTM's output (its third note)."""
FIRST = 8
"""`embeddings_slice` holds this many features of every slice, the first ones."""


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Compare from the slices' embeddings to the scan's logits."""
    num_classes = arrays["logits"].shape[1]
    config = ResNet50LstmAtt2Config(preset="paper", num_classes=num_classes)
    model = ResNet50LstmAtt2(config).eval()
    yield load_weights(model, gold, fill, name=NAME)
    volumes, row = images(gold, fill, name=NAME)
    yield row

    x = torch.stack(volumes).unsqueeze(2)
    with torch.no_grad():
        output = model(x, torch.ones(x.shape[:2], dtype=torch.bool))
    got = {
        "logits": output.logits,
        "sequence_attention": output.attention,
        "slice_attention1": output.attention1[:, SLICES],
        "slice_attention2": output.attention2[:, SLICES],
        "embeddings_slice": output.embeddings[..., :FIRST],
        "embeddings_mean": output.embeddings.mean(dim=2),
        "embeddings_std": output.embeddings.std(dim=2),
        "lstm_output_slice": output.states[..., ::EVERY],
        "lstm_last": output.states[:, -1],
        "global_vector": output.global_vector,
        "context": output.context,
    }
    for name, value in got.items():
        want = arrays[name] if name in arrays else gold["outputs"][name]
        yield close(NAME, name, value, want, recommended(gold, name))
