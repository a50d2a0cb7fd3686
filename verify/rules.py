"""The rules of pure_nn beside their references: activations, losses, dense, dropout."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import pure_nn
from pure_nn import dense, dropout
from pure_nn.named import ACTIVATIONS, LOSSES
from pure_nn.types import Activation, Loss
from verify import oracles
from verify.bounds import recipe
from verify.cases import Arrays, Case


def all_rules() -> Iterator[Case]:
    """Activations and losses by name, and dense."""
    activations = [make() for make in ACTIVATIONS.values()]
    for g in (*activations, pure_nn.relu(at_zero=0.0), pure_nn.leaky_relu(a=0.3)):
        yield activation_case(g)
    for loss in (make() for make in LOSSES.values()):
        yield from loss_cases(loss, [g for g in activations if loss.fits(g)])
    yield from DENSE


# activations


def activation_case(g: Activation) -> Case:
    """A, and Δ = dA ∘ g′(Z) or dA through the Jacobian, at points on the kink too."""

    def by_hand(Z: Any, dA: Any) -> Any:
        A = g.g(Z)
        return A, g.pull(Z, A, dA)

    @oracles.compiled
    def reference(Z: Any, dA: Any) -> Any:
        A, pull = jax.vjp(lambda Z: oracles.activation(g, Z), Z)
        return A, pull(dA)[0]

    def exact(m: Any, Z: Any, dA: Any) -> Any:
        Z, dA = m.exact(Z), m.exact(dA)
        A = m.stored(m.g(g, Z))
        return A, m.stored(recipe.pull(m, g, Z, A, dA))

    return Case(f"{g}: A, and Δ = dA pulled through g", by_hand, reference, exact, _draw_Z)


def _draw_Z(rng: np.random.Generator) -> Arrays:
    Z, dA = rng.normal(0, 3, (7, 40)), rng.normal(size=(7, 40))
    Z[:, :3] = 0
    return Z, dA


# losses


def loss_cases(loss: Loss, outputs: list[Activation]) -> Iterator[Case]:
    """∂𝓛/∂A, and with each output 𝓛 and the direct Δ[L]."""

    def dA(A: Any, Y: Any) -> Any:
        return loss.dA(A, Y)

    def reference_dA(A: Any, Y: Any) -> Any:
        return jax.grad(lambda A: jnp.sum(oracles.losses_from_A(loss, A, Y)))(A)

    def exact(m: Any, A: Any, Y: Any) -> Any:
        return recipe.dA(m, loss, m.exact(A), m.exact(Y))

    yield Case(f"{loss}: ∂𝓛/∂A", dA, oracles.compiled(reference_dA), exact, _draw_A_and_Y)
    for g in outputs:
        yield _pair(loss, g)


def _pair(loss: Loss, g: Activation) -> Case:
    def by_hand(Z: Any, Y: Any) -> Any:
        A = g.g(Z)
        return loss.value(Z, A, Y, g), loss.delta(Z, A, Y, g)

    @oracles.compiled
    def reference(Z: Any, Y: Any) -> Any:
        losses, pull = jax.vjp(lambda Z: oracles.losses(loss, g, Z, Y), Z)
        return losses, pull(jnp.ones_like(losses))[0]

    def exact(m: Any, Z: Any, Y: Any) -> Any:
        Z, Y = m.exact(Z), m.exact(Y)
        A = m.stored(m.g(g, Z))
        Δ = m.stored(recipe.output_delta(m, loss, g, Z, A, Y))
        return recipe.losses(m, loss, g, Z, A, Y), Δ

    return Case(f"{loss} of {g}: 𝓛 and Δ[L]", by_hand, reference, exact, _draw_Z_and_Y)


def _draw_A_and_Y(rng: np.random.Generator) -> Arrays:
    return rng.uniform(0.05, 0.95, (7, 40)), rng.uniform(size=(7, 40))


def _draw_Z_and_Y(rng: np.random.Generator) -> Arrays:
    return rng.normal(0, 2, (7, 40)), rng.uniform(size=(7, 40))


# dense


def _draw_dense(rng: np.random.Generator) -> Arrays:
    W, b = rng.normal(size=(5, 7)), rng.normal(size=(5, 1))
    return W, b, rng.normal(size=(7, 9)), rng.normal(size=(5, 9))


def _affine(W: Any, b: Any, A: Any) -> Any:
    return W @ A + b


def _exact(f: Any) -> Any:
    return lambda m, *arrays: f(m, *map(m.exact, arrays))


DENSE = [
    Case(
        "dense: Z = WA + b",
        lambda W, b, A, Δ: dense.forward({"W": W, "b": b}, A),
        oracles.compiled(lambda W, b, A, Δ: _affine(W, b, A)),
        _exact(lambda m, W, b, A, Δ: m.stored(W @ A + b)),
        _draw_dense,
    ),
    Case(
        "dense: WᵀΔ",
        lambda W, b, A, Δ: dense.pull({"W": W, "b": b}, Δ),
        oracles.compiled(lambda W, b, A, Δ: jax.vjp(_affine, W, b, A)[1](Δ)[2]),
        _exact(lambda m, W, b, A, Δ: W.T @ Δ),
        _draw_dense,
    ),
    Case(
        "dense: ΔAᵀ and ΣΔ",
        lambda W, b, A, Δ: tuple(dense.sums(A, Δ)[name] for name in ("W", "b")),
        oracles.compiled(lambda W, b, A, Δ: jax.vjp(_affine, W, b, A)[1](Δ)[:2]),
        _exact(lambda m, W, b, A, Δ: (Δ @ A.T, Δ.sum(axis=1, keepdims=True))),
        _draw_dense,
    ),
]


# dropout

SHARE = 0.3  # no float of two is 1 minus it exactly


def _draw_dropout(rng: np.random.Generator) -> Arrays:
    return rng.uniform(size=(7, 40)) >= SHARE, rng.normal(size=(7, 40)), rng.normal(size=(7, 40))


def _dropout(D: Any, A: Any, dA: Any) -> Any:
    D = D.astype(bool)
    return dropout.forward(SHARE, D, A), dropout.pull(SHARE, D, dA)


@oracles.compiled
def _dropout_reference(D: Any, A: Any, dA: Any) -> Any:
    dropped, pull = jax.vjp(lambda A: D * A / (1 - SHARE), A)
    return dropped, pull(dA)[0]


def _dropout_recipe(m: Any, D: Any, A: Any, dA: Any) -> Any:
    M = {0: recipe.over_keep(m, (D, SHARE))}
    return m.stored(recipe.masked(M, 0, m.exact(A))), recipe.masked(M, 0, m.exact(dA))


DROPOUT = Case(
    "dropout: D ∘ A/(1 − p), and D ∘ dA/(1 − p)",
    _dropout,
    _dropout_reference,
    _dropout_recipe,
    _draw_dropout,
)
