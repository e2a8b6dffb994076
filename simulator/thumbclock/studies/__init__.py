"""Studies: measurements of many kernels, and what they tell together."""
