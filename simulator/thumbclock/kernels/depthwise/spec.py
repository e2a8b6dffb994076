"""What a depthwise convolution is, and how a user writes it."""

import re
from dataclasses import dataclass

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.sizes import NUMBER

__all__ = ["DepthwiseSpec"]


@dataclass(frozen=True)
class DepthwiseSpec:
    """A depthwise convolution: each output channel sees one input channel.

    Attributes:
        conv: The same as a convolution whose groups are the input channels.
    """

    conv: ConvSpec

    def __post_init__(self) -> None:
        if self.conv.groups != self.conv.in_c:
            raise UsageError(
                f"{self.conv.groups} groups of {self.conv.in_c} input channels; a depthwise "
                "convolution has a group for each"
            )

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return "depthwise"

    @property
    def precision(self) -> Precision:
        """Bits and implementation."""
        return self.conv.precision

    @property
    def multiplier(self) -> int:
        """Output channels of an input channel; those of one lie side by side."""
        return self.conv.group_out_c

    @property
    def shape_text(self) -> str:
        """The shape as `parse` reads it, e.g. ``25x5x64-64``."""
        return self.conv.shape_text

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        conv = self.conv
        dilation = f", dilation {conv.dilation_h}x{conv.dilation_w}" if conv.is_dilated else ""
        window = f", kernel {conv.kernel_h}x{conv.kernel_w}, stride {conv.stride_h}x{conv.stride_w}"
        return f"depthwise {conv.shape_text}{window}{dilation}"

    @classmethod
    def from_options(cls, options: KernelOptions) -> "DepthwiseSpec":
        """Return the depthwise convolution that a user's options describe."""
        return cls.parse(
            options.shape or "25x5x64",
            kernel=options.kernel or "3x3",
            stride=options.stride or "1",
            padding=options.padding or "same",
            dilation=options.dilation or "1",
            precision=options.precision,
        )

    @classmethod
    def parse(
        cls,
        shape: str = "25x5x64",
        *,
        kernel: str = "3x3",
        stride: str = "1",
        padding: str = "same",
        dilation: str = "1",
        precision: str | Precision = "w8a8",
    ) -> "DepthwiseSpec":
        """Read a depthwise convolution as a user writes it.

        Args:
            shape: HxWxC, or HxWxCin-Cout with Cout a multiple of Cin.
            kernel: N or HxW.
            stride: N or HxW.
            padding: ``same``, ``valid`` or ``top,bottom,left,right``; see `ConvSpec.parse`.
            dilation: N or HxW.
            precision: A precision, or its name.

        Raises:
            UsageError: A part cannot be read, or the convolution has no output.
        """
        match = re.fullmatch(rf"({NUMBER})x({NUMBER})x({NUMBER})(?:-({NUMBER}))?", shape)
        if match is None:
            raise UsageError(
                f"shape {shape!r}: expected HxWxC or HxWxCin-Cout, e.g. 25x5x64 or 25x5x8-16"
            )
        in_c, out_c = int(match[3]), int(match[4] or match[3])
        if in_c == 0 or out_c % in_c:
            raise UsageError(
                f"shape {shape!r}: {out_c} output channels of {in_c} input channels; expected a "
                "multiple"
            )
        return cls(
            ConvSpec.parse(
                f"{match[1]}x{match[2]}x{in_c}-{out_c}",
                kernel=kernel,
                stride=stride,
                padding=padding,
                dilation=dilation,
                groups=in_c,
                precision=precision,
            )
        )
