"""Training images moved by a pixel or so: more examples of the same digits."""

import copy
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from experiments.engine.job import Examples, Part
from experiments.mnist.files import SIDE, Images


class Moved(Examples):
    """The images, each moved by −most … most pixels along both axes; 0 comes in at the edges.

    They stay on the device as they are: a call takes its own, moved.
    """

    def __init__(self, images: Images, most: int) -> None:
        self.m, self._most = images.X.shape[1], most
        self._padded, self._Y = _padded(images.X, most), images.Y
        self._corners = jnp.full((self.m, 2), most)

    def by(self, key: PRNGKeyArray) -> "Moved":
        """The same images, each moved as the key says"""
        moved = copy.copy(self)
        moved._corners = jax.random.randint(key, (self.m, 2), 0, 2 * self._most + 1)
        return moved

    def taken(self, batches: Int[np.ndarray, "k B"]) -> tuple[Part, Int[np.ndarray, "k B"]]:
        which = jnp.asarray(batches.reshape(-1))
        X = _cut(self._padded, self._corners, which)
        return Part(X, _columns(self._Y, which)), np.arange(len(which)).reshape(batches.shape)


@functools.partial(jax.jit, static_argnames="most")
def _padded(X: Float[Array, "n m"], most: int) -> Float[Array, "m h w"]:
    sides = (most, most)
    return jnp.pad(X.T.reshape(-1, SIDE, SIDE), ((0, 0), sides, sides))


@jax.jit
def _cut(
    padded: Float[Array, "m h w"], corners: Int[Array, "m 2"], which: Int[Array, " k"]
) -> Float[Array, "n k"]:
    def one(i: Array, corner: Array) -> Array:
        return jax.lax.dynamic_slice(padded, (i, corner[0], corner[1]), (1, SIDE, SIDE))

    return jax.vmap(one)(which, corners[which]).reshape(len(which), -1).T


@jax.jit
def _columns(Y: Float[Array, "n m"], which: Int[Array, " k"]) -> Float[Array, "n k"]:
    return Y[:, which]
