"""Training images moved by a pixel or so: more examples of the same digits."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from experiments.mnist.files import SIDE


@functools.partial(jax.jit, static_argnames="most")
def shifted(key: PRNGKeyArray, X: Float[Array, "n m"], most: int) -> Float[Array, "n m"]:
    """Each image moved by −most … most pixels along both axes; 0 comes in at the edges."""
    if most == 0:
        return X
    m = X.shape[1]
    sides = (most, most)
    images = jnp.pad(X.T.reshape(m, SIDE, SIDE), ((0, 0), sides, sides))
    corners = jax.random.randint(key, (m, 2), 0, 2 * most + 1)
    return jax.vmap(_cut)(images, corners).reshape(m, -1).T


def _cut(image: Float[Array, "h w"], corner: Array) -> Array:
    return jax.lax.dynamic_slice(image, (corner[0], corner[1]), (SIDE, SIDE))
