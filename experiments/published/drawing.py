"""The pieces of the figures: a boundary in the plane, and costs with the published ones on them."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

import pure_nn
from experiments.published.recipe import Examples, Trained
from experiments.published.table import Row

RED, BLUE = "#b2182b", "#2166ac"
POINTS, AREAS = ListedColormap([RED, BLUE]), ListedColormap(["#f7d8d3", "#d3e3f2"])
FINENESS = 250


def boundary(axes: Axes, trained: Trained, data: Examples, title: str) -> None:
    """What the network takes for which class, and the examples on it."""
    x, y = np.asarray(data.X)
    sides = [np.linspace(v.min() - 0.3, v.max() + 0.3, FINENESS) for v in (x, y)]
    grid = np.meshgrid(*sides)
    plane = jnp.asarray(np.stack([side.ravel() for side in grid]))
    A = np.asarray(pure_nn.predict(trained.net, trained.params, plane)).reshape(grid[0].shape)
    axes.contourf(*grid, A, levels=(-1, np.nextafter(0.5, 1), 2), cmap=AREAS)
    axes.scatter(x, y, c=np.asarray(data.Y)[0], s=9, cmap=POINTS, linewidths=0)
    axes.set_title(title, fontsize=13)
    axes.set_xticks([])
    axes.set_yticks([])


def curve(
    axes: Axes,
    trained: Trained,
    every: int,
    rows: Sequence[Row] = (),
    label: str | None = None,
    color: str = BLUE,
) -> None:
    """Every so many costs, as sources draw them, and all of them pale; circles are published."""
    axes.plot(trained.costs, color=color, alpha=0.25, linewidth=0.7)
    steps = np.arange(0, len(trained.costs), every)
    axes.plot(steps, trained.costs[steps], color=color, label=label)
    published = {row.step: float(row.published) for row in rows if row.step is not None}
    axes.plot(list(published), list(published.values()), "o", color=color, mfc="none", markersize=8)
    axes.set_ylim(0, 1)
    axes.set_ylabel("cost J", fontsize=13)
    axes.set_xlabel("step", fontsize=13)
    axes.tick_params(labelsize=11)
    axes.grid(alpha=0.3)
