"""What an element-wise operator is: its shape and precision, and how a user writes them."""

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from thumbclock.errors import UsageError
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.sizes import parse_image
from thumbclock.kernels.weightless import expect_weightless

__all__ = ["ElementwiseSpec"]


@dataclass(frozen=True)
class ElementwiseSpec:
    """An operator on the elements of one image, or of two of the same shape.

    Attributes:
        operator: ``add``, ``mul``, ``clamp`` or ``requantize``.
        height: Pixels.
        width: Pixels.
        channels: Elements of a pixel.
        activation: ``none``, ``relu``, ``relu6`` or ``LOW,HIGH``.
        precision: Bits of activations; those of weights say nothing.
    """

    operator: str
    height: int
    width: int
    channels: int
    activation: str = "none"
    precision: Precision = field(default_factory=Precision)

    DEFAULT_SHAPE: ClassVar[str] = "32x32x16"

    def __post_init__(self) -> None:
        precision, bits = self.precision, self.precision.activation_bits
        expect_weightless(self.operator, precision, one_width=self.operator != "requantize")
        if bits == 1 and self.operator in ("add", "clamp"):
            raise UsageError(
                f"{self.operator} of 1 bit: expected 8, 4 or 2; -1 and +1 have no sum and no "
                "range of their own"
            )
        if self.activation != "none" and self.operator != "clamp" and bits != 8:
            raise UsageError(
                f"activation {self.activation!r}: {self.operator} of {bits} bits has none; clamp "
                "apart"
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """HWC."""
        return (self.height, self.width, self.channels)

    @property
    def shape_text(self) -> str:
        """The shape as a user writes it, e.g. ``32x32x16``."""
        return f"{self.height}x{self.width}x{self.channels}"

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        return f"{self.operator} {self.shape_text}"

    @classmethod
    def from_options(cls, operator: str, options: KernelOptions) -> "ElementwiseSpec":
        """Return the operator that a user's options describe."""
        return cls(
            operator,
            *parse_image(options.shape or cls.DEFAULT_SHAPE),
            activation=options.activation or ("relu6" if operator == "clamp" else "none"),
            precision=options.precision,
        )

    @classmethod
    def parser(cls, operator: str) -> "partial[ElementwiseSpec]":
        """Return `from_options` of an operator."""
        return partial(cls.from_options, operator)
