"""Train a network on handwritten digits, once its gradients are verified.

1797 digits of 8 × 8 pixels by 43 people: Alpaydin & Kaynak, UCI Machine Learning Repository
(1998), in the part that scikit-learn brings.
"""

import dataclasses
import functools
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
import tyro
from jaxtyping import Array, Float, PRNGKeyArray
from rich.console import Console
from sklearn.datasets import load_digits

import pure_nn
from experiments import figures, runs
from experiments.progress import Log, say, shown
from experiments.runs import RefusedError, StoppedError
from pure_nn import data, training
from pure_nn.initialise import SCHEMES
from pure_nn.named import ACTIVATIONS
from pure_nn.network import Params
from verify.networks import check_network

PIXELS, CLASSES = 64, 10
TEST_FRACTION, TRAINING_EXAMPLES = 0.2, 1438


@dataclasses.dataclass(frozen=True)
class Config:
    """Train a network on handwritten digits, once its gradients are verified."""

    sizes: tuple[int, ...] = (PIXELS, 256, 128, CLASSES)
    """Units of every layer: 64 pixels first, 10 classes last."""
    activation: str = "relu"
    """Of the hidden layers: identity, leaky_relu, relu, sigmoid, softmax or tanh."""
    init: str = "he"
    """Scheme of the initial weights: normal, he, xavier or xavier_fan_in."""
    learning_rate: float = 3e-3
    """Of the first step of Adam; it falls to 0 along a cosine."""
    batch_size: int = 32
    """Examples per step."""
    epochs: int = 30
    """Passes through the training examples."""
    seed: int = 0
    """For the split, the initial weights and the order of the examples."""
    seeds: int = 1
    """Number of runs, with the seeds from --seed on."""
    out: Path | None = None
    """New folder for what the run leaves; the next free runs/digits-N unless given."""

    @property
    def network(self) -> pure_nn.Network:
        return pure_nn.Network((*[self.activation] * (len(self.sizes) - 2), "softmax"))


class Digits(NamedTuple):
    """X and Y for training and for test, on the device."""

    train: tuple[Float[Array, "64 m"], Float[Array, "10 m"]]
    test: tuple[Float[Array, "64 m_test"], Float[Array, "10 m_test"]]


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 well done, 1 stopped on the way, 2 refused."""
    config = tyro.cli(Config, prog="python -m experiments digits", args=arguments)
    try:
        run(config)
    except (RefusedError, StoppedError) as error:
        print(f"digits: {error}", file=sys.stderr)
        return 2 if isinstance(error, RefusedError) else 1
    return 0


def run(config: Config) -> list[float]:
    """The test accuracy of every seed.

    RefusedError, a ValueError: a setting out of range, a folder that exists.
    StoppedError, a RuntimeError: a gradient that is wrong, a cost that is not finite.
    """
    check(config)
    console, folder = Console(), runs.create("digits", config.out)
    accuracies = [_run_one(one, path, console) for one, path in _one_by_one(config, folder)]
    if config.seeds > 1:
        say(console, "test accuracies   " + "   ".join(f"{a:.2%}" for a in accuracies))
        say(console, f"median            {statistics.median(accuracies):.2%}")
    place = folder / "seed-*" if config.seeds > 1 else folder
    say(console, f"config, metrics, parameters and figure are in {place}")
    return accuracies


def check(config: Config) -> None:
    """RefusedError: the first setting that is out of range."""
    for setting, fine, expected in _expectations(config):
        if not fine:
            name = setting.replace("_", "-")
            raise RefusedError(f"--{name}: expected {expected}, got {getattr(config, setting)}")


def load(key: PRNGKeyArray) -> Digits:
    """Pixels in [0, 1], and a fifth of the digits of every class for the test."""
    digits = load_digits()
    X, Y = data.columns(digits.data / 16), data.one_hot(digits.target, CLASSES)
    parts = data.stratified_split(key, digits.target, TEST_FRACTION)
    return Digits(*jax.device_put([(X[:, i], Y[:, i]) for i in parts]))


def _expectations(config: Config) -> Iterator[tuple[str, bool, str]]:
    """Setting, whether it is fine, and what was expected."""
    ends = (*config.sizes[:1], *config.sizes[1:][-1:]) == (PIXELS, CLASSES)
    wanted = f"positive sizes from {PIXELS} pixels to {CLASSES} classes, as 64 32 10"
    yield "sizes", ends and min(config.sizes) > 0, wanted
    yield "activation", config.activation in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"
    yield "init", config.init in SCHEMES, f"one of {', '.join(SCHEMES)}"
    yield "learning_rate", 0 < config.learning_rate < math.inf, "a positive number"
    fine = 1 <= config.batch_size <= TRAINING_EXAMPLES
    yield "batch_size", fine, f"1 to {TRAINING_EXAMPLES}, the examples for training"
    yield "epochs", config.epochs > 0, "at least 1"
    yield "seed", 0 <= config.seed < 2**32, "0 to 2³² − 1"
    last = 2**32 - config.seed
    yield "seeds", 1 <= config.seeds <= last, f"1 to {last}, as the last seed is 2³² − 1"


def _one_by_one(config: Config, folder: Path) -> Iterator[tuple[Config, Path]]:
    """Every seed as a run of its own, which its config.json repeats."""
    runs.write_config(folder, config)
    if config.seeds == 1:
        yield config, folder
        return
    for seed in range(config.seed, config.seed + config.seeds):
        out = runs.create("digits", folder / f"seed-{seed}")
        one = dataclasses.replace(config, seed=seed, seeds=1, out=out)
        runs.write_config(out, one)
        yield one, out


def _run_one(config: Config, folder: Path, console: Console) -> float:
    net, keys = config.network, jax.random.split(jax.random.key(config.seed), 3)
    digits, params = load(keys[0]), pure_nn.init(keys[1], config.sizes, config.init)
    _verify(net, params, digits, console)
    with shown(console, f"seed {config.seed}", config.epochs) as show:
        log = Log(folder, (digits.train[0].shape[1], digits.test[0].shape[1]), show)
        trained = _train(config, params, digits, keys[2], log)
    runs.write_parameters(folder, trained)
    X, Y = digits.test
    figures.save(folder / "figure.png", log.history, X, Y, pure_nn.predict(net, trained, X))
    return log.history[-1].test_accuracy


def _verify(net: pure_nn.Network, params: Params, digits: Digits, console: Console) -> None:
    checked = check_network(net, params, *digits.train)
    say(console, f"gradients {'right' if checked.ok else 'wrong'}   {checked}")
    if not checked.ok:
        raise StoppedError(
            "the gradients of this network are wrong, or zero as those of dead units, and prove "
            "nothing; it was not trained: try other --sizes or another --seed"
        )


def _train(config: Config, params: Params, digits: Digits, key: PRNGKeyArray, log: Log) -> Params:
    net = config.network
    params, _ = training.fit(
        net,
        params,
        *digits.train,
        optimizer=_adam(config.learning_rate, config.epochs, config.batch_size),
        batch_size=config.batch_size,
        epochs=config.epochs,
        key=key,
        after_epoch=lambda now: log.put(now.epoch, _measure(net, now.params, now.cost, digits)),
    )
    log.flush()
    return params


@functools.cache
def _adam(learning_rate: float, epochs: int, batch_size: int) -> optax.GradientTransformation:
    """One and the same for all seeds, so that the epoch compiles once."""
    steps = epochs * math.ceil(TRAINING_EXAMPLES / batch_size)
    return optax.adam(optax.cosine_decay_schedule(learning_rate, steps))


@jax.jit
def _measure(
    net: pure_nn.Network, params: Params, J: Float[Array, ""], digits: Digits
) -> Float[Array, "4"]:
    """J, the test cost, and how many examples are right: all that an epoch sends to the host."""

    def right(X: Float[Array, "64 m"], Y: Float[Array, "10 m"]) -> Float[Array, ""]:
        Yhat = pure_nn.predict(net, params, X)
        return jnp.sum(jnp.argmax(Yhat, axis=0) == jnp.argmax(Y, axis=0), dtype=J.dtype)

    test_cost = pure_nn.cost(net, params, *digits.test)
    return jnp.stack([J, test_cost, right(*digits.train), right(*digits.test)])
