"""How many bits the numbers of a kernel have, how they are requantized, how its code is made."""

import re
from dataclasses import dataclass

from thumbclock.errors import UsageError

__all__ = ["PRECISIONS", "Precision", "parse_precision"]


@dataclass(frozen=True)
class Precision:
    """Bit widths, requantization and implementation of a kernel.

    Activations of 8 bits are int8 with a zero point, of 4 and 2 bits unsigned from zero (or two's
    complement, where signed), of 1 bit -1 and +1. Weights are signed and symmetric, of 1 bit -1
    and +1.

    Attributes:
        weight_bits: Bits of a weight; 8, 4, 2 or 1.
        activation_bits: Bits of an input.
        output_bits: Bits of an output; 0 stands for those of an input.
        signed: Whether activations of 4 and 2 bits are signed.
        thresholds: Whether outputs of 4 and 2 bits come from thresholds; else from a multiplier.
        winograd: Whether products are those of Winograd's minimal filtering, for weights of 16 bits
            and 16 in place of 9 of them.
        unrolled: Whether the weights are constants in emitted code.
        skip_percent: Percentage of operand pairs left out; only of unrolled kernels.
    """

    weight_bits: int = 8
    activation_bits: int = 8
    output_bits: int = 0
    signed: bool = False
    thresholds: bool = False
    winograd: bool = False
    unrolled: bool = False
    skip_percent: int = 0

    def __post_init__(self) -> None:
        if self.output_bits == 0:
            object.__setattr__(self, "output_bits", self.activation_bits)

    @property
    def base(self) -> str:
        """Bits of weights and activations, e.g. ``w4a8``."""
        return f"w{self.weight_bits}a{self.activation_bits}"

    @property
    def name(self) -> str:
        """The name that `parse_precision` reads, e.g. ``w4a8`` or ``w8a8-skip25``."""
        output = f"o{self.output_bits}" if self.output_bits != self.activation_bits else ""
        signed = "s" if self.signed else ""
        thresholds = "-thresholds" if self.thresholds else ""
        winograd = "-winograd" if self.winograd else ""
        unrolled = "-unrolled" if self.unrolled else ""
        skipped = f"-skip{self.skip_percent}" if self.skip_percent else unrolled
        return f"{self.base}{output}{signed}{thresholds}{winograd}{skipped}"


PRECISIONS: tuple[str, ...] = (
    *("w8a8", "w4a8", "w4a4", "w2a2", "w1a1"),
    *("w8a8-unrolled", "w8a8-skip25", "w8a8-skip50"),
)
"""The usual precisions; `parse_precision` knows more."""

_NAME = re.compile(
    r"(?:w(?P<weights>[8421]))?a(?P<activations>[8421])(?:o(?P<outputs>[8421]))?(?P<signed>s)?"
    r"(?P<thresholds>-thresholds)?(?:(?P<winograd>-winograd)|(?P<unrolled>-unrolled|-skip(?P<skip>\d{1,3})))?"
)


def parse_precision(name: str) -> Precision:
    """Return the precision of a name such as ``w4a8``.

    ``w`` and ``a`` with 8, 4, 2 or 1: bits of weights (as many as of inputs where they are left
    out, as in the names of kernels without weights) and inputs; ``o``: bits of outputs, where
    they differ; ``s``: signed activations of 4 or 2 bits; ``-thresholds``; ``-winograd``;
    ``-unrolled``, or ``-skipN`` with N percent of the operands left out.

    Raises:
        UsageError: There is no such precision.
    """
    match = _NAME.fullmatch(name)
    if match is None or int(match["skip"] or 0) > 100:
        raise UsageError(
            f"precision {name!r}: expected one such as {', '.join(PRECISIONS)}; or wXaYoZ with "
            "X, Y and Z bits of weights, inputs and outputs (8, 4, 2 or 1), an s behind them for "
            "signed activations, -thresholds, and -winograd, -unrolled or -skipN with N percent "
            "of the operands left out (0 to 100)"
        )
    precision = Precision(
        weight_bits=int(match["weights"] or match["activations"]),
        activation_bits=int(match["activations"]),
        output_bits=int(match["outputs"] or 0),
        signed=match["signed"] is not None,
        thresholds=match["thresholds"] is not None,
        winograd=match["winograd"] is not None,
        unrolled=match["unrolled"] is not None,
        skip_percent=int(match["skip"] or 0),
    )
    if precision.signed and not {precision.activation_bits, precision.output_bits} & {4, 2}:
        raise UsageError(
            f"precision {name!r}: only activations of 4 and 2 bits have a signed and an unsigned "
            "form; leave out the s"
        )
    if precision.thresholds and precision.output_bits == 8:
        raise UsageError(
            f"precision {name!r}: thresholds serve outputs of 4, 2 and 1 bit; outputs of 8 bits "
            "are requantized by multiplier and shift"
        )
    return precision
