"""What A and Δ give besides the gradient, in one backward pass: examples, sums, curvature, state.

Each function takes the cache and the Δs of one pass, and says how it scales with B: of a batch
twice over, a mean stays, a sum doubles, and what belongs to an example is there twice. All are
computed in at least float32, and not rounded back.
"""

from pure_nn.border import checked as _checked
from pure_nn.quantities import beside as _beside
from pure_nn.quantities import curvature as _curvature
from pure_nn.quantities import examples as _examples
from pure_nn.quantities import noise as _noise
from pure_nn.quantities import output as _output
from pure_nn.quantities import products as _products
from pure_nn.quantities import state as _state
from pure_nn.quantities import sums as _sums
from pure_nn.quantities.beside import observed as observed
from pure_nn.quantities.curvature import Factors as Factors
from pure_nn.quantities.feedback import alignment_angles as _alignment_angles
from pure_nn.quantities.feedback import direct_feedback as direct_feedback
from pure_nn.quantities.feedback import feedback_alignment as feedback_alignment
from pure_nn.quantities.feedback import random_feedback as random_feedback
from pure_nn.quantities.feedback import sign_symmetric as sign_symmetric
from pure_nn.quantities.layers import PerExample as PerExample
from pure_nn.quantities.noise import NoiseScale as NoiseScale
from pure_nn.quantities.noise import two_batch_noise_scale as two_batch_noise_scale
from pure_nn.quantities.spectrum import Eigen as Eigen
from pure_nn.quantities.spectrum import largest_eigenvalue as largest_eigenvalue
from pure_nn.quantities.state import cosines as cosines
from pure_nn.quantities.state import delta_ratios as delta_ratios
from pure_nn.quantities.state import delta_rms as delta_rms
from pure_nn.quantities.sums import Clipped as Clipped

individual_gradients = _checked(_examples.individual_gradients)
squared_norms = _checked(_examples.squared_norms)
inner_products = _checked(_examples.inner_products)
gram = _checked(_examples.gram)
tangent_kernel = _checked(_examples.tangent_kernel)

clipped_sum = _checked(_sums.clipped_sum)
second_moment = _checked(_sums.second_moment)
variance = _checked(_sums.variance)
signal_to_noise = _checked(_sums.signal_to_noise)
noise_scale = _checked(_noise.noise_scale)

gauss_newton_diagonal = _checked(_curvature.gauss_newton_diagonal)
hessian_diagonal = _checked(_curvature.hessian_diagonal)
kronecker_factors = _checked(_curvature.kronecker_factors)
kfra_factors = _checked(_curvature.kfra_factors)
sampled_delta = _checked(_output.sampled_delta)

hessian_product = _checked(_products.hessian_product)
gauss_newton_product = _checked(_products.gauss_newton_product)
empirical_fisher_product = _checked(_products.empirical_fisher_product)

stuck = _checked(_state.stuck)
alignment_angles = _checked(_alignment_angles)

value_and_grad = _checked(_beside.value_and_grad)
