"""Experiments, each runnable by `python -m experiments NAME` and importable."""
