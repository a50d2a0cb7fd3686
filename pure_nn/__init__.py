"""Neural networks with the backward pass written out: every gradient an equation in Δ = ∂𝓛/∂Z.

One example per column everywhere. `net` comes first, `params` is a plain pytree, and every
function is pure: compile with `jax.jit`, batch with `jax.vmap`.
"""

from pure_nn import network as _network
from pure_nn import recompute as _recompute
from pure_nn.activations import identity as identity
from pure_nn.activations import leaky_relu as leaky_relu
from pure_nn.activations import relu as relu
from pure_nn.activations import sigmoid as sigmoid
from pure_nn.activations import softmax as softmax
from pure_nn.activations import tanh as tanh
from pure_nn.border import checked as _checked
from pure_nn.initialise import init as init
from pure_nn.losses import binary_cross_entropy as binary_cross_entropy
from pure_nn.losses import cross_entropy as cross_entropy
from pure_nn.losses import squared_error as squared_error
from pure_nn.stacking import stack as stack
from pure_nn.stacking import unstack as unstack
from pure_nn.structure import Cache as Cache
from pure_nn.structure import DropoutCache as DropoutCache
from pure_nn.structure import Network as Network
from pure_nn.types import Activation as Activation
from pure_nn.types import Loss as Loss

forward = _checked(_network.forward)
predict = _checked(_network.predict)
losses = _checked(_network.losses)
cost = _checked(_network.cost)

output_delta = _checked(_network.output_delta)
backpropagate = _checked(_network.backpropagate)
gradients = _checked(_network.gradients)
backward = _checked(_network.backward)
value_and_grad = _checked(_recompute.value_and_grad)
input_gradient = _checked(_network.input_gradient)
