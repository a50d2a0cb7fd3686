"""The proof of pure_nn: `python -m verify`."""
