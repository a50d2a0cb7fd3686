"""Steps along the curvature: K-FAC, and the natural gradient by conjugate gradients.

Both are transformations of optax that take one argument more at each update, a quantity of the same
pass, and give what an optimizer such as optax.sgd then scales:

    J, grads, found = quantities.value_and_grad(…, also=("kronecker_factors",), draw=key)
    updates, state = optimizer.update(grads, state, params, factors=found["kronecker_factors"])
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.scipy.sparse.linalg import cg
from jaxtyping import Array, Int

from pure_nn.precision import product, wide_dtype, widen
from pure_nn.quantities.curvature import Factors
from pure_nn.structure import like


class KfacState(NamedTuple):
    """The step, the moving averages of the factors, and their damped inverses"""

    step: Int[Array, ""]
    factors: tuple[Factors, ...]
    inverses: tuple[Factors, ...]


def kfac(
    damping: float, *, decay: float = 0.95, every: int = 1, trust: float | None = None
) -> optax.GradientTransformationExtraArgs:
    """V[ℓ] = (G[ℓ] + √λ/π I)⁻¹ [dW db] (A[ℓ] + π√λ I)⁻¹,  π² = (tr A/n_A)/(tr G/n_G)

    of moving averages of the factors, without bias towards where they began, inverted at every k-th
    step. Martens & Grosse, ICML 2015, sections 5, 6.3. With `trust`, V is no longer than
    ⟨V, ∇J⟩ ≈ VᵀFV ≤ trust: a curvature that few examples saw is trusted no further. Ba, Grosse &
    Martens, ICLR 2017. `update` takes `factors=`, those of
    `quantities.kronecker_factors`.

    ValueError: damping or trust that is not positive and finite, decay outside [0, 1), `every`
    below 1; at the update, no factors.
    """
    _positive("damping", damping)
    _positive("trust", 1.0 if trust is None else trust)
    if not 0 <= decay < 1:
        raise ValueError(f"decay: expected a share in [0, 1), got {decay}")
    if every < 1:
        raise ValueError(f"every: expected a number of steps from 1 on, got {every}")

    def init(params: Any) -> KfacState:
        zeros = tuple(_zeros(layer) for layer in params)
        return KfacState(jnp.zeros((), jnp.int32), zeros, zeros)

    def update(
        grads: Any, state: KfacState, params: Any = None, *, factors: Any = None, **_: Any
    ) -> tuple[Any, KfacState]:
        state = _averaged(state, factors, decay)
        found = _inverses(state, damping, decay, every)
        V = _preconditioned(grads, found)
        return V if trust is None else _shortened(V, grads, trust), state._replace(inverses=found)

    return optax.GradientTransformationExtraArgs(init, update)


def _averaged(state: KfacState, factors: Any, decay: float) -> KfacState:
    if factors is None:
        raise ValueError(
            "factors: expected those of kronecker_factors at each update, got none; training.step "
            "and fit have none to give: write the step, as this module's docstring does"
        )
    if len(factors) != len(state.factors):
        expected, got = len(state.factors), len(factors)
        raise ValueError(f"factors: expected those of {expected} layers, got {got}")
    averages = jax.tree.map(lambda x, y: decay * x + (1 - decay) * y, state.factors, factors)
    return state._replace(step=state.step + 1, factors=averages)


def _inverses(state: KfacState, damping: float, decay: float, every: int) -> tuple[Factors, ...]:
    """Anew at the first of every k steps"""

    def anew() -> tuple[Factors, ...]:
        def unbiased(x: Array) -> Array:
            return x / (1 - decay ** state.step.astype(x.dtype))  # the weight of all so far

        return tuple(_inverted(of, damping) for of in jax.tree.map(unbiased, state.factors))

    found: tuple[Factors, ...] = jax.lax.cond(
        (state.step - 1) % every == 0, anew, lambda: state.inverses
    )
    return found


def _positive(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: expected a positive number, got {value}")


def _zeros(layer: dict[str, Array]) -> Factors:
    W = layer["W"]
    if W.ndim != 2:
        raise ValueError("kfac: expected one layer in each entry; pass pure_nn.unstack(params)")
    (n, n_in), dtype = W.shape, wide_dtype(W.dtype)
    return Factors(jnp.zeros((n_in + 1, n_in + 1), dtype), jnp.zeros((n, n), dtype))


def _inverted(of: Factors, damping: float) -> Factors:
    """(A + π√λ I)⁻¹ and (G + √λ/π I)⁻¹"""
    share_A, share_G = (jnp.trace(x) / len(x) for x in of)
    pi = jnp.sqrt(jnp.where((share_A > 0) & (share_G > 0), share_A / share_G, 1))
    root = jnp.sqrt(jnp.asarray(damping, pi.dtype))
    return Factors(_inverse(of.A, pi * root), _inverse(of.G, root / pi))


def _inverse(S: Array, damped: Array) -> Array:
    one = jnp.eye(len(S), dtype=S.dtype)
    return jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(S + damped * one), one)


def _preconditioned(grads: Any, inverses: tuple[Factors, ...]) -> Any:
    return like(grads, tuple(map(_of_layer, grads, inverses)))


def _of_layer(grads: dict[str, Array], inverse: Factors) -> dict[str, Array]:
    """In the dtype of the gradients"""
    both = jnp.concatenate([widen(grads["W"]), widen(grads["b"])], axis=1)
    V = product(product(inverse.G, both), inverse.A).astype(grads["W"].dtype)
    return {"W": V[:, :-1], "b": V[:, -1:]}


def _shortened(V: Any, grads: Any, trust: float) -> Any:
    """V or, where ⟨V, ∇J⟩ > trust, so much of it"""
    length = optax.tree.vdot(*(jax.tree.map(widen, x) for x in (V, grads)))
    share = jnp.sqrt(jnp.where(length > trust, trust / length, 1))
    return jax.tree.map(lambda v: share.astype(v.dtype) * v, V)


def natural_gradient(
    damping: float, *, iterations: int = 20
) -> optax.GradientTransformationExtraArgs:
    """(F + λI)⁻¹∇J by so many conjugate gradients. `update` takes `fisher_product=`, V ↦ FV, as of
    `quantities.gauss_newton_product`: no F is formed. Amari, Neural Computation 10 (1998).

    ValueError: damping that is not positive, fewer than one iteration; at the update, no product.
    """
    _positive("damping", damping)
    if iterations < 1:
        raise ValueError(f"iterations: expected 1 or more, got {iterations}")

    def update(
        grads: Any,
        state: optax.EmptyState,
        params: Any = None,
        *,
        fisher_product: Callable[[Any], Any] | None = None,
        **_: Any,
    ) -> tuple[Any, optax.EmptyState]:
        if fisher_product is None:
            raise ValueError("fisher_product: expected V ↦ FV at each update, got none")
        wide = jax.tree.map(widen, grads)
        found, _info = cg(_damped(fisher_product, damping, grads), wide, maxiter=iterations)
        return optax.tree.cast_like(found, grads), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def _damped(product_of: Callable[[Any], Any], damping: float, grads: Any) -> Callable[[Any], Any]:
    """V ↦ FV + λV, in at least float32; F has V in the dtype of the gradients"""

    def damped(V: Any) -> Any:
        FV = optax.tree.cast_like(like(V, product_of(optax.tree.cast_like(V, grads))), V)
        return jax.tree.map(lambda v, Fv: Fv + damping * v, V, FV)

    return damped
