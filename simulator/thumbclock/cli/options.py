"""Options that several commands share, and how their texts are read."""

from pathlib import Path
from typing import Annotated

import typer

from thumbclock.errors import UsageError

__all__ = [
    "DEFAULT_PROFILE",
    "DEFAULT_SHAPE",
    "JsonOption",
    "KernelSizeOption",
    "PaddingOption",
    "QuietOption",
    "SeedOption",
    "ShapeOption",
    "StrideOption",
    "ToolchainOption",
    "operator_name",
    "words",
]

DEFAULT_PROFILE = "nucleo-h743zi"
DEFAULT_SHAPE = "32x32x16-16"

JsonOption = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print no tables.")]
ShapeOption = Annotated[
    str,
    typer.Option(metavar="HxWxCIN-COUT", help="Input height, width, channels; output channels."),
]
KernelSizeOption = Annotated[
    str, typer.Option("--kernel", metavar="HxW", help="Height and width of the kernel.")
]
StrideOption = Annotated[str, typer.Option(metavar="N|HxW", help="Stride.")]
PaddingOption = Annotated[
    str, typer.Option(metavar="same|valid|T,B,L,R", help="Padding around the input.")
]
SeedOption = Annotated[
    int, typer.Option(metavar="N", min=0, help="Of the drawn weights and inputs.")
]
ToolchainOption = Annotated[
    str,
    typer.Option(
        metavar="zig|gcc|PATH", help="Compiler: zig's clang, arm-none-eabi-gcc, or your own."
    ),
]

_OPERATORS = ("conv",)


def operator_name(name: str) -> str:
    """Return the name of an operator that there is.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in _OPERATORS:
        raise UsageError(f"operator {name!r}: expected one of {', '.join(_OPERATORS)}")
    return name


def words(texts: list[str]) -> list[str]:
    """Return the parts of an option that takes a list, by commas or given repeatedly."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    return list(dict.fromkeys(part for part in parts if part))
