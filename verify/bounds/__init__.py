"""Bounds on every entry of what a program computes of a network, from the roundings that it makes.

    bounds.network(net, params, X, Y, dtype="float32").grads[0]["W"]

A bound is the error that the same recipe collects in absolute values (Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed., section 3.3): what cancels has a large one beside its
value, and a z that rounding may carry across a kink takes both of its slopes into account.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import DTypeLike

from pure_nn.network import Network
from pure_nn.precision import wide_dtype
from verify.bounds import recipe
from verify.bounds.arithmetic import Careful, Textbook
from verify.bounds.recipe import Quantities
from verify.bounds.running import Approximate


def network(
    net: Network,
    params: Sequence[Mapping[str, Any]],
    X: Any,
    Y: Any,
    weights: Any = None,
    dtype: DTypeLike = "float64",
    *,
    textbook: bool = False,
    wide: DTypeLike | None = None,
    reference: bool = True,
    l2: float = 0.0,
    masks: Mapping[int, Any] | None = None,
) -> Quantities:
    """|computed − reference| ≤ bound, entry by entry, in the structure of `recipe.network`.

    The arrays are those that the program is given, of its dtype or of fewer bits.

    textbook    for a program that writes a(1 − a), 1 − a², A − Y, log A
    wide        in which it adds up and computes, by default at least float32
    reference   whether what it is compared with is itself computed in float64, by autodiff

    NaN and ∞ in the arrays make bounds of `roundoff.UNKNOWN`.
    """

    def of(arithmetic: Careful) -> Any:
        def of_network(m: Careful, *arrays: Any) -> Quantities:
            return recipe.network(m, net, *arrays, l2=l2, masks=masks)

        return errors(run(of_network, arithmetic, (params, X, Y, weights)))

    own: Quantities = of((Textbook if textbook else Careful)(dtype, wide))
    return total(own, of(of_reference(dtype))) if reference else own


def of_reference(dtype: DTypeLike) -> Textbook:
    """The arithmetic of autodiff in float64, whose sources count beside those of float64 alone"""
    return Textbook("float64", tracked=jnp.dtype(dtype) == jnp.float64)


def run(recipe: Callable[..., Any], arithmetic: Any, arrays: Sequence[Any]) -> Any:
    """The recipe of an arithmetic and the values of the arrays, whatever their dtype"""
    values = jax.tree.map(lambda x: np.asarray(x, np.float64), arrays)
    with np.errstate(all="ignore"):  # what is infinite or NaN has a bound of `roundoff.UNKNOWN`
        return recipe(arithmetic, *values)


def errors(tree: Any) -> Any:
    """The bound of each leaf"""
    return _of_each(lambda leaf: leaf.error, tree)


def dtypes(tree: Any, dtype: DTypeLike) -> Any:
    """The dtype of each leaf: at least float32 until it is stored"""
    wide = wide_dtype(jnp.dtype(dtype))
    return _of_each(lambda leaf: jnp.dtype(dtype) if leaf.is_stored else wide, tree)


def _of_each(f: Callable[[Approximate], Any], tree: Any) -> Any:
    return jax.tree.map(f, tree, is_leaf=lambda leaf: isinstance(leaf, Approximate))


def total(*trees: Any) -> Any:
    """The sum of several bounds of each leaf"""
    return jax.tree.map(lambda *bounds: sum(bounds[1:], bounds[0]), *trees)
