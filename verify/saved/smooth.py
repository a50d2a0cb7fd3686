"""Activations that pure_nn has not and that files name: ELU, SELU, GELU, SiLU, softplus.

elu       z or a(eᶻ − 1) below 0                       g′ = 1 or aeᶻ
selu      λ times that                                 λ = 1.0507…, a = 1.6733…
gelu      zΦ(z), Φ of the normal distribution          g′ = Φ + zφ
gelu_tanh z(1 + tanh u)/2, u = √(2/π)(z + 0.044715z³)  g′ = (1 + tanh u)/2 + zu′/(2 cosh²u)
silu      zσ(z), also called swish                     g′ = σ(z) + zσ(z)σ(−z)
softplus  log(1 + eᶻ)                                  g′ = σ(z)
"""

import math

import jax
import jax.numpy as jnp
from jax import Array

from pure_nn.types import Activation

SCALE, SLOPE = 1.0507009873554805, 1.6732632423543772  # λ and a of SELU
ROOT, CUBE = math.sqrt(2 / math.pi), 0.044715


def elu(a: float = 1.0) -> Activation:
    return Activation("elu", _elu, _elu_prime, a=a)


def selu() -> Activation:
    return Activation("selu", _selu, _selu_prime)


def gelu() -> Activation:
    return Activation("gelu", _gelu, _gelu_prime)


def gelu_tanh() -> Activation:
    return Activation("gelu_tanh", _gelu_tanh, _gelu_tanh_prime)


def silu() -> Activation:
    return Activation("silu", _silu, _silu_prime)


def softplus() -> Activation:
    return Activation("softplus", _softplus, _softplus_prime, range=(0.0, math.inf))


def _elu(Z: Array, a: float) -> Array:
    return jnp.where(Z > 0, Z, a * jnp.expm1(jnp.minimum(Z, 0)))


def _elu_prime(Z: Array, A: Array, a: float) -> Array:
    return jnp.where(Z > 0, 1, a * jnp.exp(jnp.minimum(Z, 0)))


def _selu(Z: Array) -> Array:
    return SCALE * _elu(Z, SLOPE)


def _selu_prime(Z: Array, A: Array) -> Array:
    return SCALE * _elu_prime(Z, A, SLOPE)


def _normal(Z: Array) -> Array:
    """Φ"""
    return jax.lax.erfc(-Z / math.sqrt(2)) / 2


def _gelu(Z: Array) -> Array:
    return Z * _normal(Z)


def _gelu_prime(Z: Array, A: Array) -> Array:
    return _normal(Z) + Z * jnp.exp(-(Z**2) / 2) / math.sqrt(2 * math.pi)


def _gelu_tanh(Z: Array) -> Array:
    u = ROOT * (Z + CUBE * Z**3)
    return Z * jax.lax.logistic(2 * u)


def _gelu_tanh_prime(Z: Array, A: Array) -> Array:
    u, slope = ROOT * (Z + CUBE * Z**3), ROOT * (1 + 3 * CUBE * Z**2)
    return jax.lax.logistic(2 * u) + 2 * Z * slope * _slope(2 * u)


def _silu(Z: Array) -> Array:
    return Z * jax.lax.logistic(Z)


def _silu_prime(Z: Array, A: Array) -> Array:
    return jax.lax.logistic(Z) + Z * _slope(Z)


def _slope(Z: Array) -> Array:
    """σ′"""
    return jax.lax.logistic(Z) * jax.lax.logistic(-Z)


def _softplus(Z: Array) -> Array:
    return jnp.logaddexp(Z, 0)


def _softplus_prime(Z: Array, A: Array) -> Array:
    return jax.lax.logistic(Z)
