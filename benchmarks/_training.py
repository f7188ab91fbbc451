"""Steps of training, ours and those of a plain PyTorch loop, for two papers."""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import densenet169

from ctsieve.learning.classification import class_loss
from ctsieve.learning.task import ALL
from ctsieve.learning.tasks import task_of
from ctsieve.models.la_dnn import LESIONS
from ctsieve.pipeline.architecture import build_network
from ctsieve.pipeline.settings import checked
from ctsieve.pipeline.train import configured_cases, divide, gather
from ctsieve.pipeline.train_config import TrainConfig

CONFIGS = Path(__file__).parent.parent / "configs"
SIZE = (224, 224)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SETS = ("data.sets=['folder']", "model.initial=random")
Step = Callable[[], None]
Both = tuple[Step, Step]


def att2(data: Path, out: Path, *, batch: int) -> Both:
    """A step of ResNet50-ATT2 as `configs/resnet50-att2.toml` has it, and the plain one."""
    config = TrainConfig.load(CONFIGS / "resnet50-att2.toml", [*SETS, f"run.batch_size={batch}"])
    labels, rate = config.data.labels, config.optimiser.learning_rate
    torch.manual_seed(0)
    plain = build_network(config.model, labels, folder=out).train()

    def loss(x: Tensor, label: Tensor) -> Tensor:
        return class_loss(plain(x[:, :1]).logits, label, torch.ones(len(labels)))

    changes = (
        transforms.RandomVerticalFlip(),
        transforms.RandomAffine(30, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=20),
        transforms.GaussianBlur(7, (0.05, 2.0)),
    )
    theirs = plain_step(plain, loss, png_batches(data, batch, *changes), rate)
    return our_step(config, data, out), theirs


def la_dnn(data: Path, out: Path, *, batch: int) -> Both:
    """A step of LA-DNN on DenseNet169 as `configs/la-dnn-paper.toml` has it, and the plain one."""
    config = TrainConfig.load(CONFIGS / "la-dnn-paper.toml", [*SETS, f"run.batch_size={batch}"])
    torch.manual_seed(0)
    plain = densenet169(weights=None)
    plain.classifier = nn.Linear(plain.classifier.in_features, 1 + len(LESIONS))

    def loss(x: Tensor, label: Tensor) -> Tensor:
        target = torch.zeros(len(x), 1 + len(LESIONS))
        target[:, 0] = (label == 2).float()
        return nn.functional.binary_cross_entropy_with_logits(plain(x), target)

    changes = (transforms.RandomAffine(0, shear=0.2, scale=(0.8, 1.2)),)
    batches = png_batches(data, batch, *changes)
    rate = config.optimiser.learning_rate
    return our_step(config, data, out), plain_step(plain.train(), loss, batches, rate)


def our_step(config: TrainConfig, data: Path, out: Path) -> Step:
    """A step of the family's own task, in bfloat16 with channels last."""
    network = build_network(config.model, config.data.labels, folder=out)
    network.to(memory_format=torch.channels_last)
    split = divide(config, configured_cases(config, data))
    material, _ = gather(config, split, out, data=data)
    card = task_of(config.model.name)
    task, feed = card.build(network, checked(card.settings, config.task, below="task"), material)
    adam, steps = torch.optim.Adam(network.parameters(), config.optimiser.learning_rate), count()

    def ours() -> None:
        (piece,) = feed.training(next(steps))
        task.begin(ALL)
        with torch.autocast("cpu", torch.bfloat16):
            terms = task.terms(piece, ALL)
        learn(adam, torch.stack(list(terms.values())).sum())

    return ours


def plain_step(
    network: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    batches: Iterator[tuple[Tensor, Tensor]],
    rate: float,
) -> Step:
    """A step in float32."""
    adam = torch.optim.Adam(network.parameters(), rate)

    def step() -> None:
        learn(adam, loss(*next(batches)))

    return step


def learn(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """Backwards and one step."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


class Pictures(Dataset[tuple[Tensor, int]]):
    """PNGs that are opened every time they are asked for."""

    def __init__(self, folder: Path, change: transforms.Compose) -> None:
        self.files, self.change = sorted(folder.glob("*.png")), change

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.files)

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        """One of them, and a class."""
        return self.change(Image.open(self.files[number]).convert("RGB")), number % 3


def png_batches(folder: Path, batch: int, *changes: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches for ever: opened, resized, changed and normalised anew."""
    steps = [
        transforms.Resize(SIZE),
        transforms.RandomHorizontalFlip(),
        *changes,
        transforms.ToTensor(),
        transforms.Normalize(MEAN, DEVIATION),
    ]
    pictures = Pictures(folder, transforms.Compose(steps))
    while True:
        yield from DataLoader(pictures, batch_size=batch, shuffle=True, drop_last=True)
