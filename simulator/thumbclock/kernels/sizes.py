"""How users write kernels, strides, padding and images; how much a tensor may hold."""

import re
from dataclasses import dataclass

from thumbclock.errors import UsageError

__all__ = ["MOST_ELEMENTS", "NUMBER", "Padding", "parse_image", "parse_padding", "parse_pair"]

MOST_ELEMENTS = 1 << 23
"""Elements of a tensor; no microcontroller holds more."""

NUMBER = "[0-9]{1,9}"
"""The pattern of a number in what a user writes: it fits 32 bits."""


@dataclass(frozen=True)
class Padding:
    """Rows and columns of padding around the input."""

    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0


def parse_pair(what: str, text: str) -> tuple[int, int]:
    """Read ``N`` or ``HxW``.

    Raises:
        UsageError: It is neither.
    """
    match = re.fullmatch(rf"({NUMBER})(?:x({NUMBER}))?", text)
    if match is None:
        raise UsageError(f"{what} {text!r}: expected N or HxW, e.g. 3x3, of at most 9 digits each")
    first = int(match[1])
    return first, int(match[2] or first)


def parse_padding(
    text: str, image: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int]
) -> Padding:
    """Read ``same`` (as TensorFlow), ``valid`` or ``top,bottom,left,right``.

    Args:
        text: What a user wrote.
        image: Height and width of the input.
        kernel: Height and width of what the kernel spans, dilation included.
        stride: Vertical and horizontal.

    Raises:
        UsageError: It is none of these.
    """
    if text == "valid":
        return Padding()
    if text == "same":
        (top, bottom), (left, right) = map(_same_padding, image, kernel, stride)
        return Padding(top, bottom, left, right)
    match = re.fullmatch(rf"({NUMBER}),({NUMBER}),({NUMBER}),({NUMBER})", text)
    if match is None:
        raise UsageError(
            f"padding {text!r}: expected same, valid, or top,bottom,left,right, e.g. 1,1,1,1"
        )
    return Padding(*(int(part) for part in match.groups()))


def _same_padding(extent: int, kernel: int, stride: int) -> tuple[int, int]:
    outputs = -(-extent // stride)
    total = max((outputs - 1) * stride + kernel - extent, 0)
    return total // 2, total - total // 2


def parse_image(text: str) -> tuple[int, int, int]:
    """Read ``HxWxC``.

    Raises:
        UsageError: It is something else, or more than a tensor may hold.
    """
    match = re.fullmatch(rf"({NUMBER})x({NUMBER})x({NUMBER})", text)
    if match is None:
        raise UsageError(f"shape {text!r}: expected HxWxC, e.g. 32x32x16")
    height, width, channels = (int(part) for part in match.groups())
    if min(height, width, channels) < 1 or height * width * channels > MOST_ELEMENTS:
        raise UsageError(
            f"shape {text!r}: expected 1 to {MOST_ELEMENTS:,} elements, as no microcontroller "
            "holds more"
        )
    return height, width, channels
