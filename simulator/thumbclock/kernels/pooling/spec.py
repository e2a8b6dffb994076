"""What a pooling is: its kind, shape and precision, and how a user writes them."""

from dataclasses import dataclass, field
from typing import Literal

from thumbclock.errors import UsageError
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.sizes import MOST_ELEMENTS, Padding, parse_image, parse_padding, parse_pair
from thumbclock.kernels.weightless import expect_weightless

__all__ = ["PoolSpec"]

_MOST_PIXELS = {8: 1 << 23, 4: 32767 // 15, 2: 32767 // 3, 1: 16384}
"""Pixels of a window that an average can take: sums of packed fields stay in 16-bit lanes."""

_MOST_COVERED = 1 << 28
"""Elements of all windows; more take hours."""


@dataclass(frozen=True)
class PoolSpec:
    """Pooling of one NHWC image; outputs have the scale and zero point of the inputs.

    Attributes:
        kind: The greatest or the average of each window.
        in_h: Input height, pixels.
        in_w: Input width, pixels.
        channels: Channels of input and output.
        kernel_h: Height of a window.
        kernel_w: Width of a window.
        stride_h: Vertical stride.
        stride_w: Horizontal stride.
        padding: Padding; no window lies in it as a whole.
        whole: Whether the one window is the whole image, which is what a user asked for.
        activation: ``none``, ``relu``, ``relu6`` or ``LOW,HIGH``; only of 8 bits.
        precision: Bits of activations; those of weights say nothing.
    """

    kind: Literal["max", "average"]
    in_h: int
    in_w: int
    channels: int
    kernel_h: int = 2
    kernel_w: int = 2
    stride_h: int = 2
    stride_w: int = 2
    padding: Padding = field(default_factory=Padding)
    whole: bool = False
    activation: str = "none"
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        expect_weightless(self.operator, self.precision)
        extents = ("in_h", "in_w", "channels", "kernel_h", "kernel_w", "stride_h", "stride_w")
        for name in extents:
            if not 1 <= getattr(self, name) <= MOST_ELEMENTS:
                raise UsageError(
                    f"{name} is {getattr(self, name)}; expected 1 to {MOST_ELEMENTS:,}"
                )
        self._check_padding()
        self._check_size()
        bits = self.precision.activation_bits
        if self.activation != "none" and bits != 8:
            raise UsageError(
                f"activation {self.activation!r}: pooling of {bits} bits has none; clamp apart"
            )
        pixels = min(self.kernel_h, self.in_h) * min(self.kernel_w, self.in_w)
        if self.kind == "average" and pixels > _MOST_PIXELS[bits]:
            raise UsageError(
                f"an average of {pixels} pixels of {bits} bits; expected at most "
                f"{_MOST_PIXELS[bits]}, whose sum fits 16 bits"
            )

    def _check_padding(self) -> None:
        pad = self.padding
        for sides, kernel in (
            ((pad.top, pad.bottom), self.kernel_h),
            ((pad.left, pad.right), self.kernel_w),
        ):
            if min(sides) < 0 or max(sides) >= kernel:
                raise UsageError(
                    f"{pad} around windows of {self.kernel_h}x{self.kernel_w}; expected 0 or more "
                    "on each side and less than the window, which must cover a pixel everywhere"
                )
        if self.out_h < 1 or self.out_w < 1:
            raise UsageError(
                f"pooling {self.shape_text} by {self.kernel_h}x{self.kernel_w} with {pad} has no "
                "output; the padded input must cover the window"
            )

    def _check_size(self) -> None:
        pixels = min(self.kernel_h, self.in_h) * min(self.kernel_w, self.in_w)
        outputs = self.out_h * self.out_w * self.channels
        for what, elements, most in (
            ("the input", self.in_h * self.in_w * self.channels, MOST_ELEMENTS),
            ("the output", outputs, MOST_ELEMENTS),
            ("what its windows cover", outputs * pixels, _MOST_COVERED),
        ):
            if elements > most:
                raise UsageError(
                    f"{self.title}, {self.padding}: {what}: {elements:,} elements; expected at "
                    f"most {most:,}: choose a smaller shape, window or padding"
                )

    @property
    def operator(self) -> str:
        """Name of the operator."""
        short = {"max": "max", "average": "avg"}[self.kind]
        return f"global{short}pool" if self.whole else f"{short}pool"

    @property
    def out_h(self) -> int:
        """Output height, pixels."""
        padded = self.in_h + self.padding.top + self.padding.bottom
        return (padded - self.kernel_h) // self.stride_h + 1

    @property
    def out_w(self) -> int:
        """Output width, pixels."""
        padded = self.in_w + self.padding.left + self.padding.right
        return (padded - self.kernel_w) // self.stride_w + 1

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """HWC."""
        return (self.in_h, self.in_w, self.channels)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """HWC."""
        return (self.out_h, self.out_w, self.channels)

    @property
    def shape_text(self) -> str:
        """The shape as a user writes it, e.g. ``32x32x16``."""
        return f"{self.in_h}x{self.in_w}x{self.channels}"

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        window = f", window {self.kernel_h}x{self.kernel_w}, stride {self.stride_h}x{self.stride_w}"
        return f"{self.operator} {self.shape_text}{'' if self.whole else window}"

    @classmethod
    def max_from_options(cls, options: KernelOptions) -> "PoolSpec":
        """Return the max pooling that a user's options describe."""
        return cls._windows("max", options)

    @classmethod
    def average_from_options(cls, options: KernelOptions) -> "PoolSpec":
        """Return the average pooling that a user's options describe."""
        return cls._windows("average", options)

    @classmethod
    def _windows(cls, kind: Literal["max", "average"], options: KernelOptions) -> "PoolSpec":
        height, width, channels = parse_image(options.shape or "32x32x16")
        kernel = parse_pair("window", options.kernel or "2x2")
        stride = parse_pair("stride", options.stride) if options.stride else kernel
        if min(stride) < 1:
            raise UsageError(f"stride {options.stride!r}: expected at least 1")
        padding = parse_padding(options.padding or "valid", (height, width), kernel, stride)
        return cls(
            *(kind, height, width, channels, *kernel, *stride, padding),
            activation=options.activation or "none",
            precision=options.precision,
        )

    @classmethod
    def global_average_from_options(cls, options: KernelOptions) -> "PoolSpec":
        """Return the average over the image that a user's options describe."""
        return cls.over_image("average", options)

    @classmethod
    def global_max_from_options(cls, options: KernelOptions) -> "PoolSpec":
        """Return the maximum over the image that a user's options describe."""
        return cls.over_image("max", options)

    @classmethod
    def over_image(cls, kind: Literal["max", "average"], options: KernelOptions) -> "PoolSpec":
        """Return a pooling with the whole image as its window."""
        height, width, channels = parse_image(options.shape or "8x8x64")
        return cls(
            *(kind, height, width, channels, height, width, 1, 1),
            whole=True,
            activation=options.activation or "none",
            precision=options.precision,
        )
