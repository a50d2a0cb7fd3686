"""Laws of hidden units: they have no order, and those of a ReLU no scale.

    relabelled   row i of W[ℓ] and b[ℓ] goes where column i of W[ℓ+1] goes
    scaled       row i of W[ℓ] and b[ℓ] times sᵢ > 0, column i of W[ℓ+1] divided by sᵢ,
                 as g(sz) = s g(z) for ReLU, leaky ReLU and the identity

leave Ŷ and J as they are. The gradients are relabelled alike, or divided by sᵢ and multiplied
by it. Half of the sᵢ are 2 and the rest are 1, so that nothing is rounded, and no z to 0.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from verify.errors import leaf_name
from verify.laws.batch import Law, Result, cycle
from verify.laws.gradient import Gradient
from verify.laws.program import Args

Rng = np.random.Generator
HOMOGENEOUS = ("relu", "leaky_relu", "identity")


class Units(NamedTuple):
    """Of which leaves which axis has one entry for each unit of a layer. Leaves have the names W[ℓ]
    and b[ℓ], or else their path in the argument, as in "['W1']".

    into: W[ℓ] and b[ℓ];  out_of: W[ℓ+1], and nothing for the output
    """

    into: Mapping[str, int]
    out_of: Mapping[str, int]


def chain(L: int, example_axis: int) -> tuple[Units, ...]:
    """Layers of {"W", "b"}: W[ℓ] is (n[ℓ], n[ℓ-1]), or its transpose where examples are rows."""
    unit, below = (0, 1) if example_axis == -1 else (-1, 0)
    into = [{f"W[{l}]": unit, f"b[{l}]": unit} for l in range(1, L + 1)]
    out_of = [{f"W[{l}]": below} for l in range(2, L + 1)]
    return tuple(map(Units, into, [*out_of, {}]))


def relabelled(hidden: Sequence[Units], of: Gradient, args: Args, rng: Rng) -> Law:
    def take(x: Any, axis: int, order: Any, sign: int) -> Any:
        return np.take(x, order, axis)

    orders = [cycle(size(layer, of.params(args)), rng) for layer in hidden]
    forth = functools.partial(_along_units, hidden, take, orders)
    back = functools.partial(_along_units, hidden, take, [np.argsort(order) for order in orders])
    return _of_params("relabelled units", of, args, forth, back)


def rescaled(hidden: Sequence[Units], of: Gradient, args: Args, rng: Rng) -> Law:
    """The gradients go back by the way on which the parameters came: sᵢ(dW/sᵢ), (sᵢdW)/sᵢ."""

    def multiply(x: Any, axis: int, s: Any, sign: int) -> Any:
        along = np.expand_dims(s**sign, [i for i in range(x.ndim) if i != axis % x.ndim])
        return (x * along).astype(x.dtype)

    sizes = [size(layer, of.params(args)) for layer in hidden]
    factors = [rng.permutation(np.resize([2.0, 1.0], n)) for n in sizes]
    change = functools.partial(_along_units, hidden, multiply, factors)
    return _of_params("scaling of ReLU networks", of, args, change, change)


def _of_params(
    name: str,
    of: Gradient,
    args: Args,
    forth: Callable[[Any], Any],
    back: Callable[[Any], Any],
) -> Law:
    def same(result: Result) -> Sequence[Result]:
        unchanged = {name: result[name] for name in ("J", "Ŷ") if name in result}
        return [unchanged | {"grads": back(result["grads"])}]

    return Law(name, [of.with_params(args, forth(of.params(args)))], same)


def _along_units(
    hidden: Sequence[Units], change: Callable[..., Any], of_layers: Sequence[Any], tree: Any
) -> Any:
    """change(leaf, axis, what is given for the layer, ±1), −1 for the leaves that lead out of it"""

    def changed(path: Any, x: Any) -> Any:
        for units, given in zip(hidden, of_layers, strict=True):
            for axes, sign in ((units.into, 1), (units.out_of, -1)):
                if (name := leaf_name(path[1:])) in axes:
                    x = change(x, axes[name], given, sign)
        return x

    return jax.tree.map_with_path(changed, tree)


def size(units: Units, params: Any) -> int:
    """How many units the layer has.

    ValueError: its leaves are missing, or differ.
    """
    named = {leaf_name(path[1:]): x for path, x in jax.tree.leaves_with_path(params)}
    axes = {**units.into, **units.out_of}
    if missing := axes.keys() - named.keys():
        raise ValueError(
            f"units: expected names of leaves, which are {', '.join(named)}; got {missing}"
        )
    sizes = {name: named[name].shape[axis] for name, axis in axes.items()}
    if len(set(sizes.values())) != 1:
        raise ValueError(f"units: expected axes of one length in a layer, got {sizes}")
    return int(next(iter(sizes.values())))
