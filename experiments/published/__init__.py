"""Published training runs, reproduced: the printed numbers beside ours, and their figures.

Every recipe is a file here: data, seeds, sizes and rates as the source gives them, the numbers
that it printed, and the figure that it draws. It runs in float64 through the public functions of
pure_nn, which knows nothing of it.
"""

from experiments.published.command import Config as Config
from experiments.published.command import main as main
from experiments.published.command import run as run
