"""What a convolution is: its shape, its precision, and how a user writes both."""

import re
from dataclasses import dataclass, field

from thumbclock.errors import UsageError
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision, parse_precision
from thumbclock.kernels.sizes import MOST_ELEMENTS, NUMBER, Padding, parse_padding, parse_pair

__all__ = ["ConvSpec", "Padding"]

_MOST_COVERED = 1 << 28
"""Elements under the kernel at all outputs: the reference multiplies them all at once."""


@dataclass(frozen=True)
class ConvSpec:
    """A 2-D convolution of one NHWC image with OHWI weights.

    Attributes:
        in_h: Input height, pixels.
        in_w: Input width, pixels.
        in_c: Input channels.
        out_c: Output channels.
        kernel_h: Kernel height.
        kernel_w: Kernel width.
        stride_h: Vertical stride.
        stride_w: Horizontal stride.
        padding: Padding; holds the input's zero point, or -1 for binary activations.
        dilation_h: Vertical distance of the kernel's rows.
        dilation_w: Horizontal distance of its columns.
        groups: Groups of channels; each output channel sees the input channels of its own group.
        precision: Bit widths and implementation.
    """

    in_h: int
    in_w: int
    in_c: int
    out_c: int
    kernel_h: int = 3
    kernel_w: int = 3
    stride_h: int = 1
    stride_w: int = 1
    padding: Padding = field(default_factory=Padding)
    dilation_h: int = 1
    dilation_w: int = 1
    groups: int = 1
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        for name in ("in_h", "in_w", "in_c", "out_c", "kernel_h", "kernel_w"):
            self._expect(name, 1)
        for name in ("stride_h", "stride_w", "dilation_h", "dilation_w", "groups"):
            self._expect(name, 1)
        if self.in_c % self.groups or self.out_c % self.groups:
            raise UsageError(
                f"groups is {self.groups}; expected a divisor of the {self.in_c} input and the "
                f"{self.out_c} output channels"
            )
        for side in ("top", "bottom", "left", "right"):
            if getattr(self.padding, side) < 0:
                raise UsageError(f"padding {side} is {getattr(self.padding, side)}; expected >= 0")
        if self.out_h < 1 or self.out_w < 1:
            raise UsageError(
                f"convolution {self.shape_text} with kernel {self.extent_h}x{self.extent_w} "
                f"(dilation included) and {self.padding} has no output; the padded input must "
                "cover the kernel"
            )

        self._expect_size()

    def _expect(self, name: str, least: int) -> None:
        value = getattr(self, name)
        if value < least:
            raise UsageError(f"{name} is {value}; expected at least {least}")
        if value > MOST_ELEMENTS:
            raise UsageError(f"{name} is {value:,}; expected at most {MOST_ELEMENTS:,}")

    def _expect_size(self) -> None:
        pad, pixels = self.padding, self.out_h * self.out_w
        padded = (self.in_h + pad.top + pad.bottom) * (self.in_w + pad.left + pad.right)
        sizes = {
            "the padded input": (padded * self.in_c, MOST_ELEMENTS),
            "the weights": (self.out_c * self.products, MOST_ELEMENTS),
            "the output": (pixels * self.out_c, MOST_ELEMENTS),
            "what its windows cover": (
                pixels * self.products * self.groups,
                _MOST_COVERED,
            ),
        }
        for name, (elements, most) in sizes.items():
            if elements > most:
                raise UsageError(
                    f"{self.title}, {pad}: {name}: {elements:,} elements; expected at most "
                    f"{most:,}: choose a smaller shape, kernel, dilation or padding"
                )

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return "conv"

    @property
    def extent_h(self) -> int:
        """Height of what the kernel spans, dilation included."""
        return (self.kernel_h - 1) * self.dilation_h + 1

    @property
    def extent_w(self) -> int:
        """Width of what the kernel spans, dilation included."""
        return (self.kernel_w - 1) * self.dilation_w + 1

    @property
    def group_in_c(self) -> int:
        """Input channels of a group."""
        return self.in_c // self.groups

    @property
    def group_out_c(self) -> int:
        """Output channels of a group."""
        return self.out_c // self.groups

    @property
    def out_h(self) -> int:
        """Output height, pixels."""
        padded = self.in_h + self.padding.top + self.padding.bottom
        return (padded - self.extent_h) // self.stride_h + 1

    @property
    def out_w(self) -> int:
        """Output width, pixels."""
        padded = self.in_w + self.padding.left + self.padding.right
        return (padded - self.extent_w) // self.stride_w + 1

    @property
    def products(self) -> int:
        """Products in one output: kernel height x kernel width x input channels of a group."""
        return self.kernel_h * self.kernel_w * self.group_in_c

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer, padding and skipped operands included."""
        return self.out_h * self.out_w * self.out_c * self.products

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """OHWI; I are the input channels of a group."""
        return (self.out_c, self.kernel_h, self.kernel_w, self.group_in_c)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """HWC."""
        return (self.in_h, self.in_w, self.in_c)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """HWC."""
        return (self.out_h, self.out_w, self.out_c)

    @property
    def shape_text(self) -> str:
        """The shape as `parse` reads it, e.g. ``32x32x16-16``."""
        return f"{self.in_h}x{self.in_w}x{self.in_c}-{self.out_c}"

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        dilation = f", dilation {self.dilation_h}x{self.dilation_w}" if self.is_dilated else ""
        groups = f", {self.groups} groups" if self.groups > 1 else ""
        window = f", kernel {self.kernel_h}x{self.kernel_w}, stride {self.stride_h}x{self.stride_w}"
        return f"conv {self.shape_text}{window}{dilation}{groups}"

    @property
    def is_dilated(self) -> bool:
        """Whether the kernel has gaps."""
        return (self.dilation_h, self.dilation_w) != (1, 1)

    @classmethod
    def from_options(cls, options: KernelOptions) -> "ConvSpec":
        """Return the convolution that a user's options describe, as `parse` reads them."""
        return cls.parse(
            options.shape or "32x32x16-16",
            kernel=options.kernel or "3x3",
            stride=options.stride or "1",
            padding=options.padding or "same",
            dilation=options.dilation or "1",
            groups=1 if options.groups is None else options.groups,
            precision=options.precision,
        )

    @classmethod
    def parse(
        cls,
        shape: str = "32x32x16-16",
        *,
        kernel: str = "3x3",
        stride: str = "1",
        padding: str = "same",
        dilation: str = "1",
        groups: int = 1,
        precision: str | Precision = "w8a8",
    ) -> "ConvSpec":
        """Read a convolution as a user writes it.

        Args:
            shape: HxWxCin-Cout.
            kernel: N or HxW.
            stride: N or HxW.
            padding: ``same`` (as TensorFlow: the odd one at the bottom and right), ``valid``,
                or ``top,bottom,left,right``.
            dilation: N or HxW.
            groups: Groups of channels.
            precision: A precision, or a name that `parse_precision` knows.

        Raises:
            UsageError: A part cannot be read, or the convolution has no output.
        """
        match = re.fullmatch(rf"({NUMBER})x({NUMBER})x({NUMBER})-({NUMBER})", shape)
        if match is None:
            raise UsageError(f"shape {shape!r}: expected HxWxCin-Cout, e.g. 32x32x16-16")
        in_h, in_w, in_c, out_c = (int(part) for part in match.groups())
        kernel_h, kernel_w = parse_pair("kernel", kernel)
        stride_h, stride_w = parse_pair("stride", stride)
        if stride_h < 1 or stride_w < 1:
            raise UsageError(f"stride {stride!r}: expected at least 1")
        dilation_h, dilation_w = parse_pair("dilation", dilation)
        extent_h, extent_w = (kernel_h - 1) * dilation_h + 1, (kernel_w - 1) * dilation_w + 1
        sides = parse_padding(padding, (in_h, in_w), (extent_h, extent_w), (stride_h, stride_w))
        return cls(
            in_h,
            in_w,
            in_c,
            out_c,
            kernel_h,
            kernel_w,
            stride_h,
            stride_w,
            sides,
            dilation_h,
            dilation_w,
            groups,
            parse_precision(precision) if isinstance(precision, str) else precision,
        )
