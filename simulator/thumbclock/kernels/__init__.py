"""The Python half of kernels/: what a kernel computes, how its data is packed, what it costs."""
