"""The page's recipe in any arithmetic m: its values to many digits, or bounds of its errors.

    Z[ℓ] = W[ℓ]A[ℓ-1] + b[ℓ],  A[ℓ] = g(Z[ℓ]) ∘ M[ℓ],  J = (1/B) Σ wᵢ𝓛ᵢ + (λ/2) Σ‖W‖²
    Δ[ℓ] = (W[ℓ+1]ᵀΔ[ℓ+1] ∘ M[ℓ]) ∘ g′(Z[ℓ])
    ∂J/∂W[ℓ] = (1/B) Δ[ℓ]diag(w)A[ℓ-1]ᵀ + λW[ℓ],  ∂J/∂b[ℓ] = (1/B) Σ wᵢΔᵢ[ℓ]

M: dropout's mask over its keep probability, M[0] that of X. The arithmetics are in
`verify.bounds.arithmetic`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pure_nn.network import Network
from pure_nn.types import Activation, Loss

Arithmetic = Any  # a class of verify.arithmetic


class Quantities(NamedTuple):
    """All that one pass leaves, by the page's index: Z[0] and deltas[0] are None, A[0] is X.

    A is what the next layer reads, G what g gave: the same but for dropout.
    """

    J: Any
    losses: Any
    Z: tuple[Any, ...]
    A: tuple[Any, ...]
    deltas: tuple[Any, ...]
    grads: tuple[dict[str, Any], ...]
    dX: Any
    G: tuple[Any, ...]


def network(
    m: Arithmetic,
    net: Network,
    params: Sequence[Mapping[str, Any]],
    X: Any,
    Y: Any,
    weights: Any = None,
    *,
    l2: float = 0.0,
    masks: Mapping[int, Any] | None = None,
) -> Quantities:
    """Everything, of arrays that are exact; a mask is M, or (D, p) of M = D/(1 − p)."""
    layers = [{name: m.exact(x) for name, x in layer.items()} for layer in params]
    M = {l: over_keep(m, mask) for l, mask in (masks or {}).items()}
    Z, G, A = forward(m, net, layers, m.exact(X), M)
    𝓛 = losses(m, net.loss, net.activations[-1], Z[-1], A[-1], m.exact(Y))
    Δ = backpropagate(m, net, layers, Z, G, m.exact(Y), M)
    w = None if weights is None else m.exact(weights)
    J = _mean(m.independent(𝓛 if w is None else w * 𝓛))
    if l2:
        J = J + l2 / 2 * sum((layer["W"] * layer["W"]).sum() for layer in layers)
    dX = m.stored(masked(M, 0, dense_pull(layers[0], Δ[1])))
    return Quantities(J, 𝓛, Z, A, Δ, gradients(m, layers, A, Δ, w, l2), dX, G)


def forward(
    m: Arithmetic, net: Network, layers: Any, X: Any, masks: Mapping[int, Any]
) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
    """Z, G and A"""
    Z, G, A = [None], [X], [_read(m, masks, 0, X)]
    for l, (layer, g) in enumerate(zip(layers, net.activations, strict=True), 1):
        Z.append(m.kept(layer["W"] @ A[-1] + layer["b"]))
        G.append(m.kept(m.g(g, Z[-1])))
        A.append(_read(m, masks, l, G[-1]))
    return tuple(Z), tuple(G), tuple(A)


def over_keep(m: Arithmetic, mask: Any) -> Any:
    """M, of (D, p) D/(1 − p)"""
    if not isinstance(mask, tuple):
        return m.exact(mask)
    D, p = mask
    return m.exact(D) / (1 - m.exact([[p]]))


def masked(masks: Mapping[int, Any], l: int, A: Any) -> Any:
    return A * masks[l] if l in masks else A


def _read(m: Arithmetic, masks: Mapping[int, Any], l: int, G: Any) -> Any:
    return m.kept(masked(masks, l, G)) if l in masks else G


def dense_pull(layer: Any, Δ: Any) -> Any:
    """WᵀΔ"""
    return layer["W"].T @ Δ


def pull(m: Arithmetic, g: Activation, Z: Any, A: Any, dA: Any) -> Any:
    """Δ = dA ∘ g′(Z); of softmax A ∘ (d − 1ᵀ(A ∘ d)), where d is dA, off by any one number"""
    if g.name == "softmax":
        d = m.from_top(A, dA)
        return A * (d - (A * d).sum(axis=0, keepdims=True))
    return dA * m.g_prime(g, Z, A)


def backpropagate(
    m: Arithmetic, net: Network, layers: Any, Z: Any, A: Any, Y: Any, masks: Mapping[int, Any]
) -> tuple[Any, ...]:
    """Δ[1 … L], None at 0"""
    L, g = len(layers), dict(enumerate(net.activations, 1))
    Δ = {L: m.kept(output_delta(m, net.loss, g[L], Z[L], A[L], Y))}
    for l in range(L - 1, 0, -1):
        dA = masked(masks, l, dense_pull(layers[l], Δ[l + 1]))
        Δ[l] = m.kept(pull(m, g[l], Z[l], A[l], dA))
    return (None, *(Δ[l] for l in range(1, L + 1)))


def gradients(
    m: Arithmetic, layers: Any, A: Any, Δ: Any, weights: Any, l2: float
) -> tuple[dict[str, Any], ...]:
    found = []
    for layer, a, d in zip(layers, A[:-1], Δ[1:], strict=True):
        a, counted = m.independent(a), m.independent(d)
        if weights is not None:
            counted = weights[None, :] * counted
        sums = counted @ a.T, counted.sum(axis=1, keepdims=True)
        dW, db = (s / d.shape[1] for s in sums)
        found.append({"W": m.stored(dW + l2 * layer["W"] if l2 else dW), "b": m.stored(db)})
    return tuple(found)


def _mean(x: Any) -> Any:
    return x.sum() / x.shape[0]


# losses


def losses(m: Arithmetic, loss: Loss, g: Activation, Z: Any, A: Any, Y: Any) -> Any:
    """𝓛 of each example"""
    if loss.name == "squared_error":
        return ((A - Y) * (A - Y)).sum(axis=0) / 2
    if loss.name not in ("binary_cross_entropy", "cross_entropy"):
        return m.own_losses(loss, g, Z, A, Y)
    p = m.probabilities(g, Z)
    terms = Y * p.log_A
    if loss.name == "binary_cross_entropy":
        terms = terms + (1 - Y) * p.log_rest
    return -terms.sum(axis=0)


def dA(m: Arithmetic, loss: Loss, A: Any, Y: Any) -> Any:
    """∂𝓛/∂A, of A as it is"""
    if loss.name == "squared_error":
        return A - Y
    if loss.name == "cross_entropy":
        return -Y / A
    if loss.name == "binary_cross_entropy":
        return -Y / A + (1 - Y) / (1 - A)
    return m.own_dA(loss, A, Y)


def output_delta(m: Arithmetic, loss: Loss, g: Activation, Z: Any, A: Any, Y: Any) -> Any:
    """Δ[L]: directly where the pair simplifies, as a page and `pure_nn.losses` have it"""
    direct = DIRECT.get((loss.name, g.name))
    if direct is None:
        return chain(m, loss, g, Z, A, Y)
    return direct(m, m.probabilities(g, Z), Y)


def chain(m: Arithmetic, loss: Loss, g: Activation, Z: Any, A: Any, Y: Any) -> Any:
    """Δ[L]: ∂𝓛/∂A pulled back through g"""
    return pull(m, g, Z, A, dA(m, loss, A, Y))


def _binary_sigmoid(m: Arithmetic, p: Any, Y: Any) -> Any:
    """A − Y = (1 − Y)A − Y(1 − A)"""
    return (1 - Y) * p.A - Y * p.rest


def _cross_sigmoid(m: Arithmetic, p: Any, Y: Any) -> Any:
    return -(Y * p.rest)


def _cross_softmax(m: Arithmetic, p: Any, Y: Any) -> Any:
    """A(1ᵀY) − Y = A(1ᵀY − Y) − Y(1 − A)"""
    return p.A * m.others_of_targets(Y) - Y * p.rest


def _binary_softmax(m: Arithmetic, p: Any, Y: Any) -> Any:
    """(1 − Y)A + [A(1ᵀY) − Y] − A ∘ Σ_{k≠i} (1 − Yₖ)Aₖ/(1 − Aₖ)"""
    own = (1 - Y) * p.A
    return m.in_a_sum(own) + _cross_softmax(m, p, Y) - p.A * m.others(own / p.rest)


DIRECT = {
    ("binary_cross_entropy", "sigmoid"): _binary_sigmoid,
    ("binary_cross_entropy", "softmax"): _binary_softmax,
    ("cross_entropy", "sigmoid"): _cross_sigmoid,
    ("cross_entropy", "softmax"): _cross_softmax,
}
