"""What operators that move data are: their shapes, and how a user writes them."""

import re
from dataclasses import dataclass, field

from thumbclock.errors import UsageError
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision
from thumbclock.kernels.sizes import MOST_ELEMENTS, NUMBER, parse_image
from thumbclock.kernels.weightless import expect_weightless

__all__ = ["MOST_INPUTS", "ConcatSpec", "MovementSpec", "PadSpec", "ReshapeSpec", "TransposeSpec"]

Shape = tuple[int, int, int]
"""HWC."""

MOST_INPUTS = 4
"""Inputs of one concatenation; TC_CONCAT_INPUTS in ``tc_movement.h``."""


def _text(shape: Shape) -> str:
    return "x".join(str(extent) for extent in shape)


def _expect_elements(shape: Shape) -> None:
    height, width, channels = shape
    if min(shape) < 1 or height * width * channels > MOST_ELEMENTS:
        raise UsageError(
            f"shape {_text(shape)}: expected 1 to {MOST_ELEMENTS:,} elements, as no "
            "microcontroller holds more"
        )


@dataclass(frozen=True)
class PadSpec:
    """Padding with one value, the zero point of 8 bits, 0 of 4 and 2 and -1 of 1.

    Attributes:
        shape: Of the input, HWC.
        before: Rows, columns and channels in front of the input.
        behind: Those behind it.
        precision: Bits of activations; those of weights say nothing.
    """

    shape: Shape
    before: Shape = (0, 0, 0)
    behind: Shape = (0, 0, 0)
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        expect_weightless(self.operator, self.precision)
        _expect_elements(self.shape)
        if min(*self.before, *self.behind) < 0:
            raise UsageError(f"padding {self.before}, {self.behind}: expected none below 0")
        _expect_elements(self.output_shape)

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return "pad"

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """HWC of each input."""
        return (self.shape,)

    @property
    def output_shape(self) -> Shape:
        """HWC."""
        height, width, channels = (
            extent + before + behind
            for extent, before, behind in zip(self.shape, self.before, self.behind, strict=True)
        )
        return height, width, channels

    @property
    def shape_text(self) -> str:
        """The shape as a user writes it, e.g. ``32x32x16``."""
        return _text(self.shape)

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        return f"pad {_text(self.shape)} to {_text(self.output_shape)}"

    @classmethod
    def from_options(cls, options: KernelOptions) -> "PadSpec":
        """Return the padding that a user's options describe.

        ``padding`` is ``top,bottom,left,right``, and ``,front,back`` for channels.

        Raises:
            UsageError: A part cannot be read.
        """
        text = options.padding or "1,1,1,1"
        if re.fullmatch(rf"{NUMBER}(,{NUMBER}){{3}}(,{NUMBER},{NUMBER})?", text) is None:
            raise UsageError(
                f"padding {text!r}: expected top,bottom,left,right, and ,front,back for channels"
            )
        top, bottom, left, right, front, back = ([int(n) for n in text.split(",")] + [0, 0])[:6]
        shape = parse_image(options.shape or "32x32x16")
        return cls(shape, (top, left, front), (bottom, right, back), options.precision)


@dataclass(frozen=True)
class ConcatSpec:
    """Images one behind the other along an axis, all of one scale and zero point.

    TensorFlow Lite's int8 concatenation asks for that, too: converters put a requantization in
    front of an input whose scale differs.

    Attributes:
        input_shapes: HWC of each input; alike but for the axis.
        axis: 0, 1 or 2 for rows, columns or channels.
        precision: Bits of activations; those of weights say nothing.
    """

    input_shapes: tuple[Shape, ...]
    axis: int = 2
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        expect_weightless(self.operator, self.precision)
        if not 2 <= len(self.input_shapes) <= MOST_INPUTS:
            raise UsageError(
                f"{len(self.input_shapes)} inputs: concat joins 2 to {MOST_INPUTS}; join more step "
                "by step"
            )
        kept = {shape[: self.axis] + shape[self.axis + 1 :] for shape in self.input_shapes}
        if len(kept) > 1:
            raise UsageError(
                f"shapes {self.shape_text}: expected the same extents but for axis "
                f"{'hwc'[self.axis]}"
            )
        _expect_elements(self.output_shape)

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return "concat"

    @property
    def output_shape(self) -> Shape:
        """HWC."""
        extents = list(self.input_shapes[0])
        extents[self.axis] = sum(shape[self.axis] for shape in self.input_shapes)
        return extents[0], extents[1], extents[2]

    @property
    def shape_text(self) -> str:
        """The shapes as a user writes them, e.g. ``8x8x16+8x8x32``."""
        return "+".join(_text(shape) for shape in self.input_shapes)

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        return f"concat {self.shape_text} along {'hwc'[self.axis]}"

    @classmethod
    def from_options(cls, options: KernelOptions) -> "ConcatSpec":
        """Return the concatenation that a user's options describe: HxWxC+HxWxC, axis h, w or c.

        Raises:
            UsageError: A part cannot be read.
        """
        axis = options.axis or "c"
        if axis not in ("h", "w", "c"):
            raise UsageError(f"axis {axis!r}: expected h, w or c")
        shapes = (options.shape or "16x16x32+16x16x32").split("+")
        return cls(tuple(parse_image(s) for s in shapes), "hwc".index(axis), options.precision)


@dataclass(frozen=True)
class TransposeSpec:
    """Another order of an image's axes.

    Attributes:
        shape: Of the input, HWC.
        order: Which axis of the input each axis of the output is.
        precision: Bits of activations; those of weights say nothing.
    """

    shape: Shape
    order: tuple[int, int, int] = (2, 0, 1)
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        expect_weightless(self.operator, self.precision)
        _expect_elements(self.shape)
        if sorted(self.order) != [0, 1, 2]:
            raise UsageError(f"order {self.order}: expected each of 0, 1 and 2 once")

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return "transpose"

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """HWC of each input."""
        return (self.shape,)

    @property
    def output_shape(self) -> Shape:
        """Extents of the output's axes; the last is packed."""
        first, second, third = (self.shape[axis] for axis in self.order)
        return first, second, third

    @property
    def shape_text(self) -> str:
        """The shape as a user writes it, e.g. ``32x32x16``."""
        return _text(self.shape)

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        return f"transpose {_text(self.shape)} to {''.join('hwc'[axis] for axis in self.order)}"

    @classmethod
    def from_options(cls, options: KernelOptions) -> "TransposeSpec":
        """Return the transposition that a user's options describe: HxWxC, and axis, e.g. ``chw``.

        Raises:
            UsageError: A part cannot be read.
        """
        text = options.axis or "chw"
        if sorted(text) != ["c", "h", "w"]:
            raise UsageError(f"axis {text!r}: expected an order of h, w and c, e.g. chw")
        first, second, third = ("hwc".index(axis) for axis in text)
        shape = parse_image(options.shape or "16x16x32")
        return cls(shape, (first, second, third), options.precision)


@dataclass(frozen=True)
class ReshapeSpec:
    """The same elements in the same order under another shape.

    Attributes:
        shape: Of the input, HWC.
        output_shape: HWC.
        precision: Bits of activations; those of weights say nothing.
    """

    shape: Shape
    output_shape: Shape
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        expect_weightless(self.operator, self.precision)
        _expect_elements(self.shape)
        _expect_elements(self.output_shape)
        inputs, outputs = (h * w * c for h, w, c in (self.shape, self.output_shape))
        if inputs != outputs:
            raise UsageError(
                f"shape {self.shape_text}: {inputs} elements become {outputs}; expected as many"
            )

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return "reshape"

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """HWC of each input."""
        return (self.shape,)

    @property
    def shape_text(self) -> str:
        """The shapes as a user writes them, e.g. ``4x4x5-1x1x80``."""
        return f"{_text(self.shape)}-{_text(self.output_shape)}"

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        return f"reshape {self.shape_text}"

    @classmethod
    def from_options(cls, options: KernelOptions) -> "ReshapeSpec":
        """Return the reshaping that a user's options describe: HxWxC-HxWxC.

        Raises:
            UsageError: A part cannot be read.
        """
        text = options.shape or "4x4x65-1x1x1040"
        before, dash, after = text.partition("-")
        if not dash:
            raise UsageError(f"shape {text!r}: expected HxWxC-HxWxC, e.g. 4x4x65-1x1x1040")
        return cls(parse_image(before), parse_image(after), options.precision)


MovementSpec = PadSpec | ConcatSpec | TransposeSpec | ReshapeSpec
