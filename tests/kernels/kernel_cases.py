"""Strategies: convolutions small enough to check by the hundred, odd in every way."""

from hypothesis import strategies as st

from thumbclock.kernels.conv.spec import ConvSpec, Padding
from thumbclock.kernels.precision import parse_precision

_CHANNELS = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 32, 33, 48, 64, 70])


@st.composite
def convolutions(draw: st.DrawFn, precision: str, *, grouped: bool = False) -> ConvSpec:
    """Draw a convolution that has an output; where grouped, with dilation and groups as well."""
    kernel_h, kernel_w = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    padding = Padding(*(draw(st.integers(0, 2)) for _ in range(4)))
    dilation_h, dilation_w, groups = 1, 1, 1
    if grouped:
        dilation_h, dilation_w = draw(st.integers(1, 3)), draw(st.integers(1, 3))
        groups = draw(st.sampled_from([1, 1, 2, 3, 4, 5, 8]))
    extent_h, extent_w = (kernel_h - 1) * dilation_h + 1, (kernel_w - 1) * dilation_w + 1
    least_h = max(extent_h - padding.top - padding.bottom, 1)
    least_w = max(extent_w - padding.left - padding.right, 1)
    return ConvSpec(
        in_h=draw(st.integers(least_h, least_h + 5)),
        in_w=draw(st.integers(least_w, least_w + 5)),
        in_c=groups * draw(_CHANNELS if groups == 1 else st.sampled_from([1, 1, 2, 3, 4, 7, 9])),
        out_c=groups * draw(st.integers(1, 13 if groups == 1 else 4)),
        kernel_h=kernel_h,
        kernel_w=kernel_w,
        stride_h=draw(st.integers(1, 5)),
        stride_w=draw(st.integers(1, 5)),
        padding=padding,
        dilation_h=dilation_h,
        dilation_w=dilation_w,
        groups=groups,
        precision=parse_precision(precision),
    )
