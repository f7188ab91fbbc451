"""ResNet50-LSTM-ATT2 beside the authors' CTSeqNet, from embeddings to logits."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ctsieve.models.resnet50_lstm_att2 import ResNet50LstmAtt2, ResNet50LstmAtt2Config
from tests.parity import (
    Arrays,
    Fill,
    Gold,
    Network,
    Row,
    close,
    images,
    load_weights,
    noted,
    recommended,
)

NAME = "resnet50-lstm-att2"
FIRST = 8
"""`embeddings_slice` holds this many features of every slice, the first ones."""


def check(gold: Gold, arrays: Arrays, fill: Fill) -> Iterator[Row]:
    """Compare from the slices' embeddings to the scan's logits."""
    model = ResNet50LstmAtt2(replace(sizes_of(gold), preset="paper")).eval()
    yield load_weights(model, gold, fill, name=NAME)
    volumes, row = images(gold, fill, name=NAME)
    yield row
    for name, value in measured(model, torch.stack(volumes), gold).items():
        want = arrays[name] if name in arrays else gold["outputs"][name]
        yield close(NAME, name, value, want, recommended(gold, name))


def networks(gold: Gold, fill: Fill) -> Iterator[Network]:
    """The model as users run it."""
    model = ResNet50LstmAtt2(sizes_of(gold)).eval()
    load_weights(model, gold, fill)
    x = torch.stack(images(gold, fill)[0]).unsqueeze(2)
    keep = torch.ones(x.shape[:2], dtype=torch.bool)
    yield Network(name=NAME, model=model, inputs=(x, keep))


def sizes_of(gold: Gold) -> ResNet50LstmAtt2Config:
    """The `fixed` preset with a golden file's numbers of classes and slices."""
    return ResNet50LstmAtt2Config(
        num_classes=len(gold["outputs"]["logits"][0]),
        num_slices=int(gold["images"][0]["shape"][0]),
    )


def measured(model: ResNet50LstmAtt2, volumes: Tensor, gold: Gold) -> Mapping[str, Tensor]:
    """Everything that the golden file holds; its notes say of which slices and features."""
    slices = noted(gold, r"hold slices? (\d[\d, and]*)", (0, 9))
    (every,) = noted(gold, r"\[:, :, ::(\d+)\]", (32,))
    x = volumes.unsqueeze(2)
    with torch.no_grad():
        output = model(x, torch.ones(x.shape[:2], dtype=torch.bool))
    return {
        "logits": output.logits,
        "sequence_attention": output.attention,
        "slice_attention1": output.attention1[:, slices],
        "slice_attention2": output.attention2[:, slices],
        "embeddings_slice": output.embeddings[..., :FIRST],
        "embeddings_mean": output.embeddings.mean(dim=2),
        "embeddings_std": output.embeddings.std(dim=2),
        "lstm_output_slice": output.states[..., ::every],
        "lstm_last": output.states[:, -1],
        "global_vector": output.global_vector,
        "context": output.context,
    }
