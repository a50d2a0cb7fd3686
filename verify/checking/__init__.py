"""The checks of anybody's gradients: the hand-written side, the judgement, the report."""
