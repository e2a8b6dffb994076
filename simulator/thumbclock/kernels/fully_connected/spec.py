"""What a fully connected layer is: its shape, its precision, and how a user writes both."""

import re
from dataclasses import dataclass, field

from thumbclock.errors import UsageError
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision, parse_precision
from thumbclock.kernels.sizes import NUMBER

__all__ = ["FullyConnectedSpec"]

_MOST_ELEMENTS = 1 << 23


@dataclass(frozen=True)
class FullyConnectedSpec:
    """A product of a batch of vectors with a matrix of weights.

    Attributes:
        in_c: Inputs of a vector.
        out_c: Outputs of a vector.
        batch: Vectors.
        precision: Bit widths and implementation.
    """

    in_c: int
    out_c: int
    batch: int = 1
    precision: Precision = field(default_factory=Precision)

    def __post_init__(self) -> None:
        for name in ("in_c", "out_c", "batch"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; expected at least 1")
        elements = max(self.in_c * self.out_c, self.batch * max(self.in_c, self.out_c))
        if elements > _MOST_ELEMENTS:
            raise UsageError(
                f"shape {self.shape_text}: a tensor has {elements:,} elements; expected at most "
                f"{_MOST_ELEMENTS:,}, as no microcontroller holds more"
            )

    @property
    def operator(self) -> str:
        """Name of the operator."""
        return "fc"

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer."""
        return self.batch * self.in_c * self.out_c

    @property
    def shape_text(self) -> str:
        """The shape as `parse` reads it, e.g. ``640-128`` or ``4x640-128``."""
        batch = f"{self.batch}x" if self.batch > 1 else ""
        return f"{batch}{self.in_c}-{self.out_c}"

    @property
    def title(self) -> str:
        """Operator and shape for a reader."""
        return f"fc {self.shape_text}"

    @classmethod
    def from_options(cls, options: KernelOptions) -> "FullyConnectedSpec":
        """Return the layer that a user's options describe, as `parse` reads them."""
        return cls.parse(options.shape or "640-128", precision=options.precision)

    @classmethod
    def parse(
        cls, shape: str = "640-128", *, precision: str | Precision = "w8a8"
    ) -> "FullyConnectedSpec":
        """Read a layer as a user writes it.

        Args:
            shape: IN-OUT, or BATCHxIN-OUT.
            precision: A precision, or a name that `parse_precision` knows.

        Raises:
            UsageError: A part cannot be read.
        """
        match = re.fullmatch(rf"(?:({NUMBER})x)?({NUMBER})-({NUMBER})", shape)
        if match is None:
            raise UsageError(f"shape {shape!r}: expected IN-OUT or BATCHxIN-OUT, e.g. 640-128")
        return cls(
            in_c=int(match[2]),
            out_c=int(match[3]),
            batch=int(match[1] or 1),
            precision=parse_precision(precision) if isinstance(precision, str) else precision,
        )
