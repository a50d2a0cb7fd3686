"""Gradients saved by any program: the file, what its arrays stand for, and what it may mean."""
