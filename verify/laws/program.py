"""How a function is run: compiled where JAX can trace it, as it stands where it cannot."""

import contextlib
import dataclasses
import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Args = tuple[Any, ...]


def is_array(x: Any) -> bool:
    """Of numbers: keys of jax.random are none"""
    ours = isinstance(x, np.ndarray | np.generic | jax.Array)
    return ours and not jnp.issubdtype(x.dtype, jax.dtypes.extended)


def is_floating(x: Any) -> bool:
    return is_array(x) and bool(jnp.issubdtype(x.dtype, jnp.floating))


def coarsest(args: Args) -> np.dtype[Any]:
    """Of the dtypes of the arrays of floats, the one of the fewest digits.

    TypeError: there is none.
    """
    found = [np.dtype(x.dtype) for x in jax.tree.leaves(args) if is_floating(x)]
    if not found:
        given = ", ".join(type(x).__name__ for x in args) or "nothing"
        raise TypeError(
            f"args: expected at least one array of floats, NumPy's or JAX's, got {given}"
        )
    return max(found, key=lambda dtype: float(jnp.finfo(dtype).eps))


def numpy_arrays(tree: Any) -> Any:
    """Arrays as NumPy's; the rest as it is"""
    return jax.tree.map(lambda x: np.asarray(x) if is_array(x) else x, tree)


@contextlib.contextmanager
def precision(args: Args) -> Iterator[None]:
    """float64 where an array has it, and products that are not of fewer bits than their factors"""
    wide = any(x.dtype == np.float64 for x in jax.tree.leaves(args) if is_array(x))
    with contextlib.ExitStack() as stack:
        stack.enter_context(jax.default_matmul_precision("highest"))
        if wide:
            stack.enter_context(jax.enable_x64(True))
        yield


def called(f: Callable[..., Any]) -> str:
    return getattr(f, "__name__", type(f).__name__)


@dataclasses.dataclass(frozen=True)
class Program:
    """f of the arrays in `args`; whatever else stands there stays as it is."""

    f: Callable[..., Any]
    args: Args
    of_numpy: bool = False
    untraceable: str = ""  # or why JAX cannot trace it

    def __call__(self, args: Args) -> Any:
        """f(*args) as NumPy arrays, by the compiled program where there is one"""
        return numpy(self._run(*self._arrays(args)))

    def eagerly(self, args: Args) -> Any:
        return numpy(self._of_arrays(*self._arrays(args)))

    def mapped(self, several: Sequence[Args]) -> list[Any]:
        """The results of one call under `vmap`, one by one"""
        stacked = [jnp.stack(xs) for xs in zip(*map(self._arrays, several), strict=True)]
        together = numpy(jax.jit(jax.vmap(self._of_arrays))(*stacked))
        return [jax.tree.map(operator.itemgetter(i), together) for i in range(len(several))]

    def left_alone(self, args: Args) -> dict[str, bool]:
        """Of each array by its name, whether f has not written into it"""
        given, kept = self._arrays(args), self._arrays(args)
        self._of_arrays(*given)
        named = [path for path, x in jax.tree.leaves_with_path(args) if is_array(x)]
        same = [x.tobytes() == y.tobytes() for x, y in zip(given, kept, strict=True)]
        return {f"args{jax.tree_util.keystr(p)}": ok for p, ok in zip(named, same, strict=True)}

    @functools.cached_property
    def _run(self) -> Callable[..., Any]:
        return self._of_arrays if self.untraceable else jax.jit(self._of_arrays)

    def _arrays(self, args: Args) -> list[Any]:
        """Copies, as a function of NumPy arrays may write into them"""
        convert = np.array if self.of_numpy else jnp.asarray
        return [convert(x) for x in jax.tree.leaves(args) if is_array(x)]

    def _of_arrays(self, *arrays: Any) -> Any:
        leaves, structure = jax.tree.flatten(self.args)
        given = iter(arrays)
        return self.f(
            *jax.tree.unflatten(structure, [next(given) if is_array(x) else x for x in leaves])
        )


def program(f: Callable[..., Any], args: Args) -> Program:
    """Compiled if JAX can trace f; else of NumPy arrays; else of JAX's, one operation at a time."""
    traced = Program(f, args)
    try:
        jax.eval_shape(traced._of_arrays, *traced._arrays(args))
    except Exception as error:  # whatever f does when it is given tracers
        return _untraced(f, args, _why(error))
    return traced


def _why(error: Exception) -> str:
    if isinstance(error, jax.errors.TracerArrayConversionError):
        return "a function of NumPy, which JAX cannot trace"
    return f"JAX cannot trace it ({type(error).__name__}: {str(error).partition(chr(10))[0]})"


def _untraced(f: Callable[..., Any], args: Args, why: str) -> Program:
    of_numpy = Program(f, args, True, why)
    try:
        of_numpy(args)
    except Exception as error:
        of_jax = Program(f, args, False, why)
        try:
            of_jax(args)
        except Exception:
            raise error from None
        return of_jax
    return of_numpy


def numpy(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)
