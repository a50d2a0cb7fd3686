"""The proof of pure_nn as `python -m verify` runs it: on all cores, and over all of float32."""
