"""Derivatives by every way there is: automatic, from values, in many digits."""
