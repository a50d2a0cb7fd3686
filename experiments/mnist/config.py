"""What a run on MNIST is asked for."""

import dataclasses
import functools
import math
from collections.abc import Iterator
from pathlib import Path

import optax

import pure_nn
from experiments.mnist.files import CLASSES, PIXELS
from experiments.runs import RefusedError
from pure_nn.initialise import SCHEMES
from pure_nn.named import ACTIVATIONS

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist"


@dataclasses.dataclass(frozen=True)
class Config:
    """Train on MNIST's 60,000 handwritten digits; --download FOLDER fetches them."""

    data: Path = DATA
    """Folder with MNIST's four IDX files, gzipped or not."""
    download: Path | None = None
    """Folder to fetch the four files to, unless they are there; it becomes --data."""
    large: bool = False
    """Start from the settings of the larger network, 784 – 800 – 800 – 10 with dropout."""
    sizes: tuple[int, ...] = (PIXELS, 128, CLASSES)
    """Units of every layer: 784 pixels first, 10 classes last."""
    activation: str = "relu"
    """Of the hidden layers: identity, leaky_relu, relu, sigmoid, softmax or tanh."""
    init: str = "he"
    """Scheme of the initial weights: normal, he, xavier or xavier_fan_in."""
    dropout: float = 0.0
    """Share of the units of every hidden layer to drop at each step."""
    input_dropout: float = 0.0
    """Share of the pixels to drop at each step."""
    l2: float = 0.0
    """λ of (λ/2) Σ‖W‖²."""
    shift: int = 1
    """Most pixels to move each training image by, in every epoch anew; 0 leaves them in place."""
    learning_rate: float = 3e-3
    """Of the first step of Adam; it falls to 0 along a cosine."""
    batch_size: int = 100
    """Images per step."""
    epochs: int = 20
    """Passes through the training images."""
    validation: int = 5000
    """The last so many training images are not trained on, but show how good it is by now."""
    seed: int = 0
    """For the initial weights, the order of the images, their shifts and what is dropped."""
    verify: bool = True
    """Compare the gradients of the very network with float64 before it is trained."""
    out: Path | None = None
    """New folder for what the run leaves; the next free runs/mnist-N unless given."""

    @property
    def network(self) -> pure_nn.Network:
        hidden = len(self.sizes) - 2
        dropout = (self.input_dropout, *[self.dropout] * hidden)
        return pure_nn.Network((*[self.activation] * hidden, "softmax"), dropout=dropout)


LARGE = Config(
    large=True,
    sizes=(PIXELS, 800, 800, CLASSES),
    dropout=0.3,
    input_dropout=0.1,
    learning_rate=1e-3,
    epochs=20,
)


def check(config: Config) -> None:
    """RefusedError: the first setting that is out of range."""
    for setting, fine, expected in _expectations(config):
        if not fine:
            name = setting.replace("_", "-")
            raise RefusedError(f"--{name}: expected {expected}, got {getattr(config, setting)}")


@functools.cache
def optimizer(learning_rate: float, steps: int) -> optax.GradientTransformation:
    return optax.adam(optax.cosine_decay_schedule(learning_rate, steps))


def steps(config: Config, images: int) -> int:
    """Of all epochs"""
    return config.epochs * math.ceil(images / config.batch_size)


def _expectations(config: Config) -> Iterator[tuple[str, bool, str]]:
    """Setting, whether it is fine, and what was expected."""
    ends = (*config.sizes[:1], *config.sizes[1:][-1:]) == (PIXELS, CLASSES)
    wanted = f"positive sizes from {PIXELS} pixels to {CLASSES} classes, as 784 128 10"
    yield "sizes", ends and min(config.sizes) > 0, wanted
    yield "activation", config.activation in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"
    yield "init", config.init in SCHEMES, f"one of {', '.join(SCHEMES)}"
    for setting in ("dropout", "input_dropout"):
        yield setting, 0 <= getattr(config, setting) < 1, "a share in [0, 1)"
    yield "l2", 0 <= config.l2 < math.inf, "a number from 0 on"
    yield "shift", 0 <= config.shift <= 4, "0 to 4 pixels, as the digits keep so far from the edge"
    yield "learning_rate", 0 < config.learning_rate < math.inf, "a positive number"
    yield "epochs", config.epochs > 0, "at least 1"
    yield "validation", config.validation >= 0, "at least 0"
    yield "batch_size", config.batch_size > 0, "at least 1"
    yield "seed", 0 <= config.seed < 2**32, "0 to 2³² − 1"
