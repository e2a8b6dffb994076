"""Seeded layers with realistic values."""

from thumbclock.kernels.conv.data import random_layer as random_conv
from thumbclock.kernels.depthwise.layer import DepthwiseLayer
from thumbclock.kernels.depthwise.spec import DepthwiseSpec

__all__ = ["random_layer"]


def random_layer(spec: DepthwiseSpec, seed: int = 0) -> DepthwiseLayer:
    """Draw a layer, as of the convolution that it is."""
    conv = random_conv(spec.conv, seed)
    return DepthwiseLayer(spec, conv.inputs, conv.weights, conv.requantization)
