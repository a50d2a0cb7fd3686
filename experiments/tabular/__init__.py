"""A person's own table, as a problem that the engine can run: `train` and what reads its runs."""
