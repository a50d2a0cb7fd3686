"""`python -m experiments` lists the experiments; `python -m experiments NAME` runs one."""

import importlib
import sys
from collections.abc import Sequence

EXPERIMENTS = {
    "train": "Train a network on a table of your own; stop it and go on as you like.",
    "predict": "Predict with a finished run: classes and probabilities, or numbers.",
    "evaluate": "Evaluate a finished run on a table with targets.",
    "show": "Show a run: curves, settings and confusion matrix as a figure.",
    "compare": "Compare runs: settings that differ, metrics and curves.",
    "digits": "Train a network on handwritten digits, once its gradients are verified.",
    "mnist": "Train on MNIST's 60,000 handwritten digits; --download FOLDER fetches them.",
    "published": "Published training runs, reproduced: the printed numbers beside ours, and their "
    "figures.",
    "studies": "Studies of what autodiff hides: the Δs of whole training runs, each a table and a "
    "figure.",
    "bench": "The speed of pure_nn beside what people would use in its place, in one interleaved "
    "run.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 well done, 1 stopped on the way, 2 not understood."""
    name, *rest = (sys.argv[1:] if arguments is None else list(arguments)) or [""]
    if name in EXPERIMENTS:
        return _run(name, rest)
    if name in ("", "-h", "--help"):
        print(_listing())
        return 0
    print(f"unknown experiment {name!r}; known: {', '.join(EXPERIMENTS)}", file=sys.stderr)
    return 2


def _run(name: str, arguments: Sequence[str]) -> int:
    try:
        experiment = importlib.import_module(f"experiments.{name}")
    except ModuleNotFoundError as error:
        print(
            f"{name} needs {error.name}, which is not installed; the experiments and all that they "
            "need: pip install 'pure_nn[experiments]'",
            file=sys.stderr,
        )
        return 2
    return int(experiment.main(arguments))


def _listing() -> str:
    lines = [f"  {name:<11}{sentence}" for name, sentence in EXPERIMENTS.items()]
    usage = "python -m experiments NAME [options]    (options of one: NAME --help)"
    return "\n".join([usage, "", *lines])


if __name__ == "__main__":
    sys.exit(main())
