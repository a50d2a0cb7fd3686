"""The catalogue of classic mistakes, and the diagnosis that names them."""

from verify.mistakes.diagnosis import Diagnosis as Diagnosis
from verify.mistakes.diagnosis import diagnose as diagnose
from verify.mistakes.diagnosis import l2_of as l2_of
from verify.mistakes.plain import name_leaves as name_leaves
