"""Convolution: specification, reference, packing and emitted code."""
