"""Studies of what autodiff hides: the Δs of whole training runs, each a table and a figure."""

from experiments.studies.command import main as main
