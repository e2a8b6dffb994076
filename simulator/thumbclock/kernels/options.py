"""What a user may say of an operator, before the operator reads it."""

from dataclasses import dataclass, field, fields

from thumbclock.errors import UsageError
from thumbclock.kernels.precision import Precision

__all__ = ["KernelOptions", "check_options"]


@dataclass(frozen=True)
class KernelOptions:
    """An operator as a user writes it; None where the operator's own default is meant.

    Attributes:
        precision: Bits and implementation.
        shape: e.g. ``32x32x16-16``; each operator says what it expects.
        kernel: Kernel or window, N or HxW.
        stride: N or HxW.
        padding: ``same``, ``valid`` or ``top,bottom,left,right``.
        dilation: N or HxW.
        groups: Number of groups of channels.
        axis: Axis of a tensor, e.g. ``c``, or an order of axes.
        activation: ``none``, ``relu``, ``relu6`` or ``LOW,HIGH``.
    """

    precision: Precision = field(default_factory=Precision)
    shape: str | None = None
    kernel: str | None = None
    stride: str | None = None
    padding: str | None = None
    dilation: str | None = None
    groups: int | None = None
    axis: str | None = None
    activation: str | None = None


def check_options(operator: str, options: KernelOptions, taken: frozenset[str]) -> None:
    """Refuse options that an operator does not take.

    Args:
        operator: Its name.
        options: What the user said.
        taken: Names of attributes that it reads, beside precision and shape.

    Raises:
        UsageError: Another one is given.
    """
    known = taken | {"precision", "shape"}
    for name in (f.name for f in fields(options)):
        if name not in known and getattr(options, name) is not None:
            listed = ", ".join(f"--{taken_name}" for taken_name in sorted(taken)) or "none of these"
            raise UsageError(
                f"--{name} {getattr(options, name)}: {operator} has no such option; it takes "
                f"{listed}"
            )
