"""Depthwise convolution: specification, packing and kernels."""
