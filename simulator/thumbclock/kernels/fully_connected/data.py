"""Seeded layers with realistic values."""

from thumbclock.kernels.conv.data import random_layer as random_conv
from thumbclock.kernels.fully_connected.layer import FullyConnectedLayer, as_convolution
from thumbclock.kernels.fully_connected.spec import FullyConnectedSpec

__all__ = ["random_layer"]


def random_layer(
    spec: FullyConnectedSpec, seed: int = 0, *, per_tensor: bool = False
) -> FullyConnectedLayer:
    """Draw a layer: normal weights, rectified activations, outputs that spread and saturate.

    Args:
        spec: The layer.
        seed: Of the random generator.
        per_tensor: Whether all channels share a multiplier and shift.
    """
    drawn = random_conv(as_convolution(spec), seed, per_tensor=per_tensor)
    return FullyConnectedLayer(
        spec,
        drawn.inputs.reshape(spec.batch, spec.in_c),
        drawn.weights.reshape(spec.out_c, spec.in_c),
        drawn.requantization,
    )
