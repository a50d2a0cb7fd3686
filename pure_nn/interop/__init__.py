"""To and from other programs: the cost that `jax.grad` differentiates by hand, and weights.

    cost                           the gradients by hand for programs built on `jax.grad`
    save_weights, load_weights     safetensors with documented names, bit for bit
    from_torch, to_torch           a state_dict of nn.Linear layers
    from_flax, to_flax             linen's variables, or the state of an NNX model
    from_equinox, to_equinox       an nn.MLP, or an nn.Sequential of nn.Linear

None of these programs is imported. What they compute is what pure_nn computes, to rounding, where
the network has their activations: those of theirs are in no array. Their examples are rows.
"""

from pure_nn.interop.differentiable import cost as cost
from pure_nn.interop.equinox import from_equinox as from_equinox
from pure_nn.interop.equinox import to_equinox as to_equinox
from pure_nn.interop.files import load_weights as load_weights
from pure_nn.interop.files import save_weights as save_weights
from pure_nn.interop.flax import from_flax as from_flax
from pure_nn.interop.flax import to_flax as to_flax
from pure_nn.interop.pytorch import from_torch as from_torch
from pure_nn.interop.pytorch import to_torch as to_torch
