"""To and from other programs: the cost that `jax.grad` differentiates by hand, and weights.

cost                          the gradients by hand for programs built on `jax.grad`
save_weights, load_weights    safetensors with documented names, bit for bit
"""

from pure_nn.interop.differentiable import cost as cost
from pure_nn.interop.files import load_weights as load_weights
from pure_nn.interop.files import save_weights as save_weights
