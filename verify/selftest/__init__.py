"""The checker checked: mistakes made on purpose, and how many are found and named rightly."""

from verify.selftest.run import main as main
