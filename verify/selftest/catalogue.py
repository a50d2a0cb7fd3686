"""All that is planted."""

from verify.selftest.in_errors import IN_ERRORS
from verify.selftest.in_output import IN_OUTPUT
from verify.selftest.in_slopes import IN_SLOPES
from verify.selftest.in_sums import IN_BIASES, IN_WEIGHTS
from verify.selftest.strangers import STRANGERS as STRANGERS

KNOWN = (*IN_OUTPUT, *IN_SLOPES, *IN_ERRORS, *IN_WEIGHTS, *IN_BIASES)
