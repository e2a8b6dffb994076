"""Options that several commands share, and how their texts are read."""

import string
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thumbclock.errors import UsageError

if TYPE_CHECKING:
    from thumbclock.energy import Schedule

__all__ = [
    "DEFAULT_PROFILE",
    "OPERATOR_HELP",
    "OPERATOR_NAMES",
    "ActivationOption",
    "AxisOption",
    "BatteryOption",
    "CachesOption",
    "ClockOption",
    "DilationOption",
    "GroupsOption",
    "JsonOption",
    "KernelSizeOption",
    "PaddingOption",
    "PeriodOption",
    "QuietOption",
    "SeedOption",
    "SelfDischargeOption",
    "ShapeOption",
    "SleepOption",
    "StrideOption",
    "SupplyOption",
    "ToolchainOption",
    "clock_hz",
    "schedule",
    "supply_v",
    "words",
]

DEFAULT_PROFILE = "nucleo-h743zi"

OPERATOR_NAMES = (
    *("conv", "depthwise", "fc", "maxpool", "avgpool", "globalmaxpool", "globalavgpool"),
    *("add", "mul", "clamp", "requantize", "softmax", "pad", "concat", "transpose", "reshape"),
)
"""Keys of `thumbclock.kernels.operators.OPERATORS`, which a help text need not load."""

OPERATOR_HELP = f"One of {', '.join(OPERATOR_NAMES)}."

JsonOption = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print no tables.")]
ShapeOption = Annotated[
    str | None,
    typer.Option(
        metavar="SHAPE",
        help="As the operator takes it: 32x32x16-16 (height, width, channels in and out) of conv, "
        "640-128 (in and out) of fc, 1x10 (rows, classes) of softmax, 16x16x32+16x16x32 of concat, "
        "4x4x65-1x1x1040 of reshape, 32x32x16 of the others.  [default: the operator's]",
    ),
]
KernelSizeOption = Annotated[
    str | None,
    typer.Option("--kernel", metavar="N|HxW", help="Height and width of the kernel or window."),
]
StrideOption = Annotated[str | None, typer.Option(metavar="N|HxW", help="Stride.")]
PaddingOption = Annotated[
    str | None, typer.Option(metavar="same|valid|T,B,L,R", help="Padding around the input.")
]
DilationOption = Annotated[str | None, typer.Option(metavar="N|HxW", help="Dilation.")]
GroupsOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="Groups of channels.")]
AxisOption = Annotated[
    str | None,
    typer.Option(
        metavar="AXIS", help="Axis of concat, e.g. c; order of axes of transpose, e.g. chw."
    ),
]
ActivationOption = Annotated[
    str | None,
    typer.Option(
        metavar="none|relu|relu6|LOW,HIGH",
        help="Clamp of the outputs, of pools, add, mul and clamp.",
    ),
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

PeriodOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Repeat it every so often, e.g. 1s or 250ms, and sleep in between.",
        rich_help_panel="Duty cycle",
    ),
]
SleepOption = Annotated[
    str | None,
    typer.Option(
        metavar="MODE|CURRENT",
        help="Sleep mode of the profile, or a current such as 12uA.",
        rich_help_panel="Duty cycle",
    ),
]
BatteryOption = Annotated[
    str | None,
    typer.Option(
        metavar="CHARGE",
        help="Capacity of a battery, e.g. 220mAh.",
        rich_help_panel="Duty cycle",
    ),
]
SelfDischargeOption = Annotated[
    float,
    typer.Option(
        metavar="PERCENT",
        min=0,
        max=100,
        help="What the battery loses by itself in a year.",
        rich_help_panel="Duty cycle",
    ),
]

_HERTZ = {"": "1", "hz": "1", "khz": "1e3", "mhz": "1e6", "ghz": "1e9"}
_SECONDS = {"s": "1", "ms": "1e-3", "us": "1e-6", "min": "60", "h": "3600", "d": "86400"}
_MICROAMPERES = {"na": "1e-3", "ua": "1", "ma": "1e3"}


def clock_hz(text: str | None) -> int | None:
    """Return a clock in hertz, read from a text such as ``24MHz`` or ``24000000``.

    Raises:
        UsageError: It is no whole and positive number of hertz.
    """
    if text is None:
        return None
    value = _quantity(text, _HERTZ)
    if value is None or value != value.to_integral_value():
        raise UsageError(f"--clock {text!r}: expected a frequency, e.g. 24MHz or 24000000")
    return int(value)


def supply_v(text: str | None) -> float | None:
    """Return a supply in volts, read from a text such as ``1.8`` or ``1.8V``.

    Raises:
        UsageError: It is no positive number of volts.
    """
    if text is None:
        return None
    value = _quantity(text, {"": "1", "v": "1", "mv": "0.001"})
    if value is None:
        raise UsageError(f"--supply {text!r}: expected a voltage, e.g. 1.8 or 1.8V")
    return float(value)


def schedule(
    period: str | None, sleep: str | None, battery: str | None, self_discharge: float
) -> "Schedule | None":
    """Return the duty cycle that the options ask for; None without a period.

    Raises:
        UsageError: A text is no quantity of its kind, or an option lacks the one it belongs to.
    """
    if period is None:
        for option, value in (("--sleep", sleep), ("--battery", battery)):
            if value is not None:
                raise UsageError(f"{option} {value} belongs to a duty cycle; give its --period too")
        return None
    if sleep is None:
        raise UsageError(
            f"--period {period} needs --sleep: a sleep mode of the profile, or a current such as "
            "12uA"
        )
    from thumbclock.energy import Schedule

    seconds = _quantity(period, _SECONDS)
    if seconds is None:
        raise UsageError(f"--period {period!r}: expected a time, e.g. 1s or 250ms")
    charge = None if battery is None else _quantity(battery, {"mah": "1", "ah": "1000"})
    if battery is not None and charge is None:
        raise UsageError(f"--battery {battery!r}: expected a charge, e.g. 220mAh")
    current = _quantity(sleep, _MICROAMPERES)
    if current is None and not sleep[:1].isalpha():
        raise UsageError(
            f"--sleep {sleep!r}: expected a sleep mode of the profile, or a current above 0 such "
            "as 12uA"
        )
    return Schedule(
        period_s=float(seconds),
        sleep=None if current is not None else sleep,
        sleep_ua=None if current is None else float(current),
        battery_mah=None if charge is None else float(charge),
        self_discharge_per_year=self_discharge / 100,
    )


def _quantity(text: str, units: dict[str, str]) -> Decimal | None:
    """Return a positive number times its unit; None where the text is no such quantity."""
    number = text.strip().rstrip(string.ascii_letters)
    unit = text.strip()[len(number) :].lower()
    try:
        value = Decimal(number.strip().replace("_", "")) * Decimal(units[unit])
    except (InvalidOperation, KeyError):
        return None
    return value if value.is_finite() and value > 0 else None


def words(texts: list[str]) -> list[str]:
    """Return the parts of an option that takes a list, by commas or given repeatedly."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    return list(dict.fromkeys(part for part in parts if part))
