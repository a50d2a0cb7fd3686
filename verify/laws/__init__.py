"""Laws that hold for every correct gradient, whatever it is the gradient of: no oracle is needed.

They are the only check of a gradient without a cost that autodiff or differences could take, and
they check the forward pass too, which other gradient checks share with the code under test.
"""

from verify.laws.checks import check_laws as check_laws
from verify.laws.checks import check_rule_laws as check_rule_laws
from verify.laws.units import Units as Units
