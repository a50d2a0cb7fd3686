"""What may be asked of `train`, and what cannot be."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import jax
import jax.numpy as jnp
import optax

from experiments.runs import RefusedError
from pure_nn.checks import FLOATS
from pure_nn.initialise import SCHEMES
from pure_nn.named import ACTIVATIONS

BATCH = 32


@dataclasses.dataclass(frozen=True)
class Config:
    """Train a network on a table of your own: classes, yes or no, or numbers.

    `--resume RUN` goes on with a run that was stopped or killed; `--resume RUN --help` says how.
    """

    data: Path
    """File with one example per row: CSV, TSV, NPY, NPZ, HDF5, safetensors."""
    target: str
    """Its column or array to predict."""
    features: tuple[str, ...] = ()
    """Columns to predict it from; all others unless given."""
    task: Literal["auto", "classes", "binary", "regression"] = "auto"
    """What the target is; by its values unless given."""
    sizes: tuple[int, ...] = (64, 32)
    """Units of the hidden layers; the ends follow from the data."""
    activation: str = "relu"
    """Of the hidden layers: identity, leaky_relu, relu, sigmoid, softmax or tanh."""
    init: str = "he"
    """Scheme of the initial weights: normal, he, xavier or xavier_fan_in."""
    optimizer: str = "adam"
    """sgd, momentum, nesterov, rmsprop, adam or adamw."""
    learning_rate: float = 1e-3
    """Of the first step."""
    schedule: Literal["constant", "cosine"] = "constant"
    """How the learning rate goes on; the cosine ends at 0."""
    clip: float | None = None
    """Gradients of a larger norm, all together, are scaled down to it."""
    batch_size: int | None = BATCH
    """Examples per step; None for all, and all where there are fewer than these 32."""
    epochs: int = 100
    """Passes through the training examples."""
    l2: float = 0.0
    """λ of (λ/2) Σ‖W‖²."""
    dropout: float = 0.0
    """Share of the units of the hidden layers to drop at each step."""
    validation: float = 0.2
    """Share of the examples that is not trained on; 0 for none."""
    patience: int | None = None
    """Stop after so many epochs without a lower validation cost, and take the best."""
    standardize: bool = True
    """Features to mean 0 and standard deviation 1, as they are in the training part."""
    dtype: str = "float32"
    """Of the parameters: float64, float32, bfloat16 or float16."""
    compute_dtype: str | None = None
    """Of the products alone, such as bfloat16."""
    seed: int = 0
    """For the split, the initial weights, the order of the examples and what is dropped."""
    verify: bool = True
    """Compare the gradients of the very network with float64 before it is trained."""
    keep: int = 3
    """Checkpoints to keep, besides the best."""
    checkpoint_seconds: float = 30.0
    """Longest time between two checkpoints."""
    out: Path | None = None
    """New folder for what the run leaves; the next free runs/train-N unless given."""


OPTIMIZERS: dict[str, Callable[[optax.ScalarOrSchedule], optax.GradientTransformation]] = {
    "sgd": optax.sgd,
    "momentum": lambda rate: optax.sgd(rate, momentum=0.9),
    "nesterov": lambda rate: optax.sgd(rate, momentum=0.9, nesterov=True),
    "rmsprop": optax.rmsprop,
    "adam": optax.adam,
    "adamw": optax.adamw,
}


def check(config: Config) -> None:
    """RefusedError: the first setting that is out of range, or contradicts another."""
    for setting, fine, expected in itertools.chain(_ranges(config), _contradictions(config)):
        if not fine:
            name, got = setting.replace("_", "-"), getattr(config, setting)
            raise RefusedError(f"--{name}: expected {expected}, got {got}")


def optimizer(config: Config, examples: int) -> optax.GradientTransformation:
    """The optimiser, its schedule over all steps of the run, and what clips before it"""
    steps = config.epochs * math.ceil(examples / (config.batch_size or examples))
    rate: optax.ScalarOrSchedule = config.learning_rate
    if config.schedule == "cosine":
        rate = optax.cosine_decay_schedule(config.learning_rate, steps)
    made = OPTIMIZERS[config.optimizer](rate)
    if config.clip is None:
        return made
    return optax.chain(optax.clip_by_global_norm(config.clip), made)


def keys(config: Config) -> tuple[jax.Array, jax.Array, jax.Array]:
    """For the split, for the initial weights, for the run"""
    split, init, run = jax.random.split(jax.random.key(config.seed), 3)
    return split, init, run


def _ranges(config: Config) -> Iterator[tuple[str, bool, str]]:
    """Setting, whether it is fine, and what was expected."""
    yield "sizes", all(n > 0 for n in config.sizes), "positive numbers of units, such as 64 32"
    yield "activation", config.activation in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"
    yield "init", config.init in SCHEMES, f"one of {', '.join(SCHEMES)}"
    yield "optimizer", config.optimizer in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}"
    yield "learning_rate", 0 < config.learning_rate < math.inf, "a positive number"
    yield "clip", config.clip is None or 0 < config.clip < math.inf, "a positive number"
    yield "batch_size", config.batch_size is None or config.batch_size > 0, "at least 1, or None"
    yield "epochs", config.epochs > 0, "at least 1"
    yield "l2", 0 <= config.l2 < math.inf, "a number from 0 on"
    yield "dropout", 0 <= config.dropout < 1, "a share in [0, 1)"
    yield "validation", 0 <= config.validation < 1, "a share in [0, 1)"
    yield "patience", config.patience is None or config.patience > 0, "at least 1"
    yield "dtype", config.dtype in FLOATS, f"one of {', '.join(FLOATS)}"
    low = config.compute_dtype
    yield "compute_dtype", low is None or low in FLOATS, f"one of {', '.join(FLOATS)}"
    yield "seed", 0 <= config.seed < 2**32, "0 to 2³² − 1"
    yield "keep", config.keep > 0, "at least 1"
    yield "checkpoint_seconds", config.checkpoint_seconds >= 0, "a number from 0 on"


def _bits(dtype: str) -> int:
    return int(jnp.finfo(dtype).bits)


def _contradictions(config: Config) -> Iterator[tuple[str, bool, str]]:
    judged = config.patience is None or config.validation > 0
    yield "patience", judged, "None, as --validation 0 leaves nothing to judge by"
    dropped = config.dropout == 0 or bool(config.sizes)
    low, high = (_bits(d) for d in (config.compute_dtype or config.dtype, config.dtype))
    yield "compute_dtype", low <= high, f"no wider than --dtype {config.dtype}"
    exact = config.dtype != "float16" or config.optimizer not in ("adam", "adamw", "rmsprop")
    why = "with --dtype float16, which holds no 1e-8; or --dtype float32 --compute-dtype float16"
    yield "optimizer", exact, f"sgd, momentum or nesterov {why}"
    yield "dropout", dropped, "0, as there are no hidden layers to drop units of"
    named = config.target not in config.features
    yield "features", named, f"columns other than the target {config.target}"
