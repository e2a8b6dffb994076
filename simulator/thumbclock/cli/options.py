"""Options that several commands share, and how their texts are read."""

import string
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from thumbclock.errors import UsageError

__all__ = [
    "DEFAULT_PROFILE",
    "DEFAULT_SHAPE",
    "CachesOption",
    "ClockOption",
    "JsonOption",
    "KernelSizeOption",
    "PaddingOption",
    "QuietOption",
    "SeedOption",
    "ShapeOption",
    "StrideOption",
    "SupplyOption",
    "ToolchainOption",
    "clock_hz",
    "operator_name",
    "supply_v",
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

ClockOption = Annotated[
    str | None,
    typer.Option(
        metavar="FREQUENCY",
        help="CPU clock, e.g. 24MHz or 24000000; wait states follow it.  [default: the board's]",
    ),
]
SupplyOption = Annotated[
    str | None,
    typer.Option(metavar="VOLTS", help="Supply, e.g. 1.8 or 1.8V.  [default: the board's]"),
]
CachesOption = Annotated[
    str,
    typer.Option(
        metavar="usual|reset|on|off|NAME,...",
        help="Enabled caches and accelerators: as usual start-up code or reset leaves them, all, "
        "none, or these.",
    ),
]

_HERTZ = {"": 1, "hz": 1, "khz": 1_000, "mhz": 1_000_000, "ghz": 1_000_000_000}
_OPERATORS = ("conv",)


def clock_hz(text: str | None) -> int | None:
    """Return a clock in hertz, read from a text such as ``24MHz`` or ``24000000``.

    Raises:
        UsageError: It is no whole and positive number of hertz.
    """
    if text is None:
        return None
    number, unit = _split_unit(text)
    try:
        value = Decimal(number) * _HERTZ[unit.lower()]
    except (InvalidOperation, KeyError):
        value = Decimal(0)
    if not value.is_finite() or value <= 0 or value != value.to_integral_value():
        raise UsageError(f"--clock {text!r}: expected a frequency, e.g. 24MHz or 24000000")
    return int(value)


def supply_v(text: str | None) -> float | None:
    """Return a supply in volts, read from a text such as ``1.8`` or ``1.8V``.

    Raises:
        UsageError: It is no positive number of volts.
    """
    if text is None:
        return None
    number, unit = _split_unit(text)
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if unit.lower() not in {"", "v"} or not 0 < value < 1000:
        raise UsageError(f"--supply {text!r}: expected a voltage, e.g. 1.8 or 1.8V")
    return value


def _split_unit(text: str) -> tuple[str, str]:
    number = text.strip().rstrip(string.ascii_letters)
    return number.strip().replace("_", ""), text.strip()[len(number) :]


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
