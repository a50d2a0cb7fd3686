"""The speed of pure_nn beside what people would use in its place, in one interleaved run."""

from experiments.benchmarks.command import main as main
