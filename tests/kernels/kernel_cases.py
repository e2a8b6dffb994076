"""Strategies: convolutions small enough to check by the hundred, odd in every way."""

from hypothesis import strategies as st

from thumbclock.kernels.conv.spec import ConvSpec, Padding
from thumbclock.kernels.precision import parse_precision

_CHANNELS = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 32, 33, 48, 64, 70])


@st.composite
def convolutions(draw: st.DrawFn, precision: str) -> ConvSpec:
    """Draw a convolution that has an output."""
    kernel_h, kernel_w = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    padding = Padding(*(draw(st.integers(0, 2)) for _ in range(4)))
    least_h = max(kernel_h - padding.top - padding.bottom, 1)
    least_w = max(kernel_w - padding.left - padding.right, 1)
    return ConvSpec(
        in_h=draw(st.integers(least_h, least_h + 5)),
        in_w=draw(st.integers(least_w, least_w + 5)),
        in_c=draw(_CHANNELS),
        out_c=draw(st.integers(1, 13)),
        kernel_h=kernel_h,
        kernel_w=kernel_w,
        stride_h=draw(st.integers(1, 5)),
        stride_w=draw(st.integers(1, 5)),
        padding=padding,
        precision=parse_precision(precision),
    )
