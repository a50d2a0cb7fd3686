"""What autodiff says of the quantities of A and Δ, each by its definition from one example's
gradients, Jacobian and Hessian. They are those of a network of two unlike layers, small as P² is.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from pure_nn import quantities as q
from pure_nn.network import Network
from pure_nn.precision import widen
from pure_nn.quantities.output import SIMPLE, pair
from verify import oracles

NET, SIZES, B = Network(("tanh", "sigmoid")), (3, 4, 2), 4
OTHERS = {
    "relu, softmax with cross_entropy": Network(("relu", "softmax"), "cross_entropy"),
    "leaky_relu, sigmoid with cross_entropy": Network(("leaky_relu", "sigmoid"), "cross_entropy"),
    "sigmoid, identity with squared_error": Network(("sigmoid", "identity"), "squared_error"),
    "identity, tanh with squared_error": Network(("identity", "tanh"), "squared_error"),
}  # whose outputs bend otherwise
CLIP, BELOW = 0.75, 0.234375  # a norm to clip at, a slope to be stuck below


def _of_each(params: Any, X: Any, Y: Any) -> Any:
    """Of each example: the gradients, Δ, Z[L] by the params and by what is added to each Z"""
    zeros = tuple(jnp.zeros((n, 1), X.dtype) for n in SIZES[1:])

    def of_one(x: Any, y: Any) -> Any:
        def Z(params: Any, added: Any) -> Any:
            return oracles.forward(NET, params, x[:, None], added)[0][-1][:, 0]

        def loss(params: Any, added: Any) -> Any:
            output = Z(params, added)[:, None]
            return jnp.sum(oracles.losses(NET.loss, NET.activations[-1], output, y[:, None]))

        return jax.grad(loss, (0, 1))(params, zeros), jax.jacrev(Z, (0, 1))(params, zeros)

    (grads, Δ), (J, J_below) = jax.vmap(of_one, (1, 1))(X, Y)
    return grads, [x[:, :, 0] for x in Δ], J, [x[..., 0] for x in J_below]


def _rows(tree: Any, axes: int = 1) -> Any:
    """All leaves beside each other, behind so many axes"""
    leaves = [x.reshape(*x.shape[:axes], -1) for x in jax.tree.leaves(tree)]
    return jnp.concatenate(leaves, axis=axes)


def _per_example(f: Callable[[Any], Any], grads: Any) -> q.PerExample:
    return q.PerExample(jax.tree.map(lambda g: f(_rows(g)), grads), f(_rows(grads)))


def _unit(x: Any) -> Any:
    return x / jnp.linalg.norm(x, axis=-1, keepdims=True)


@oracles.compiled
def examples(params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
    grads, Δ, J, _ = _of_each(params, X, Y)
    inner = jax.tree.map(lambda g, v: jnp.sum(g * v[None], axis=(1, 2)), grads, V)
    g, J = _rows(grads), _rows(J, 2)
    norms = _per_example(lambda g: jnp.sum(g**2, axis=1), grads)
    of_V = q.PerExample(inner, g @ _rows(V, 0))
    kernel = jnp.einsum("icp,jdp->icjd", J, J)
    return grads, norms, of_V, g @ g.T, kernel, tuple(_unit(x) @ _unit(x).T for x in Δ)


@oracles.compiled
def sums(params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
    grads, _, _, _ = _of_each(params, X, Y)
    norms = _per_example(lambda g: jnp.sum(g**2, axis=1), grads)
    c = jnp.minimum(1, CLIP / jnp.sqrt(norms.all))
    clipped = jax.tree.map(lambda g: jnp.einsum("b,bij->ij", c, g), grads)
    moment = jax.tree.map(lambda g: jnp.mean(g**2, axis=0), grads)
    variance = jax.tree.map(lambda g: jnp.var(g, axis=0), grads)
    snr = jax.tree.map(lambda g, v: jnp.mean(g, axis=0) ** 2 / v, grads, variance)
    trace = jnp.sum(_rows(variance, 0)) * B / (B - 1)
    noise = q.NoiseScale(trace, jnp.sum(jnp.mean(_rows(grads), axis=0) ** 2) - trace / B)
    small, big = norms.all[0], norms.all[1]
    two = q.NoiseScale((small - big) / (1 / 3 - 1 / 8), (8 * big - 3 * small) / 5)
    return q.Clipped(clipped, (c, c), norms), moment, variance, snr, noise, two, moment


@oracles.compiled
def curvature(params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
    grads, Δ, _, below = _of_each(params, X, Y)
    (_, bend), (_, tree) = _slopes(params, X), ravel_pytree(params)
    g, v, bend = _rows(grads), ravel_pytree(V)[0], bend.T
    exact = [jnp.einsum("bcn,bc,bcm->nm", S, bend, S) / B for S in below]
    return (
        *_bending(NET, params, X, Y, V),
        _factors(params, X, exact),
        _factors(params, X, [x.T @ x / B for x in Δ]),
        _factors(params, X, _kfra(params, X)),
        tree(g.T @ (g @ v) / B),
    )


def _slopes(params: Any, X: Any) -> list[Any]:
    """tanh′ and σ′"""
    Z, _ = oracles.forward(NET, params, X)
    of = zip((jnp.tanh, jax.nn.sigmoid), Z, strict=True)
    return [jax.vmap(jax.vmap(jax.grad(g)))(z) for g, z in of]


def _bending(net: Network, params: Any, X: Any, Y: Any, V: Any) -> Any:
    """The diagonals of GGN and of the Hessian, and their products with V"""
    flat, tree = ravel_pytree(params)
    v, of_Z = ravel_pytree(V)[0], pair(net) in SIMPLE

    def out(θ: Any, x: Any) -> Any:
        Z, A = oracles.forward(net, tree(θ), x[:, None])
        return (Z if of_Z else A)[-1][:, 0]

    def loss(out: Any, y: Any) -> Any:
        out, y = out[:, None], y[:, None]
        if of_Z:
            return jnp.sum(oracles.losses(net.loss, net.activations[-1], out, y))
        return jnp.sum(oracles.losses_from_A(net.loss, out, y))

    def of_one(x: Any, y: Any) -> Any:
        J, bend = jax.jacrev(out)(flat, x), jax.hessian(loss)(out(flat, x), y)
        return J.T @ bend @ J, jax.hessian(lambda θ: loss(out(θ, x), y))(flat)

    each = jax.vmap(of_one, (1, 1))(X, Y)
    GGN, H = (jnp.mean(x, axis=0) for x in each)
    return tree(jnp.diag(GGN)), tree(jnp.diag(H)), tree(GGN @ v), tree(H @ v)


bending = oracles.compiled(_bending, static_argnums=0)


def _factors(params: Any, X: Any, G: Any) -> tuple[q.Factors, ...]:
    _, A = oracles.forward(NET, params, X)
    inputs = [jnp.concatenate([a, jnp.ones((1, B), X.dtype)]) for a in A[:-1]]
    return tuple(q.Factors(a @ a.T / B, G_l) for a, G_l in zip(inputs, G, strict=True))


def _kfra(params: Any, X: Any) -> list[Any]:
    slope, bend = _slopes(params, X)
    W, top = params[1]["W"], jnp.diag(jnp.mean(bend, axis=1))
    return [W.T @ top @ W * (slope @ slope.T) / B, top]


@oracles.compiled
def state(params: Any, X: Any, Y: Any, V: Any, F: Any) -> Any:
    _, Δ, _, _ = _of_each(params, X, Y)
    slopes, (_, A) = _slopes(params, X), oracles.forward(NET, params, X)
    rms = jnp.stack([jnp.sqrt(jnp.mean(x**2)) for x in Δ])
    shares = tuple(jnp.mean(jnp.abs(x) < BELOW, axis=1, dtype=widen(X).dtype) for x in slopes)
    back = F[0], F[0], jnp.sign(params[1]["W"]).T
    others = [(None, (M @ Δ[1].T) * slopes[0], Δ[1].T) for M in back]
    angles = [_angle(A[l], Δ[l].T, others[0][l + 1]) for l in range(2)]
    W = widen(params[0]["W"])
    eigenvalue = jnp.linalg.eigvalsh(W @ W.T)[-1]
    cosines = tuple(_unit(x) @ _unit(x).T for x in Δ)
    return rms, rms / rms[-1], cosines, shares, others, jnp.stack(angles), eigenvalue


def _angle(A: Any, Δ: Any, other: Any) -> Any:
    A = jnp.concatenate([A, jnp.ones((1, B), A.dtype)])
    one, two = (_unit((x @ A.T).ravel()) for x in (Δ, other))
    return jnp.degrees(jnp.arccos(jnp.clip(one @ two, -1, 1)))
