"""An operator that moves data with its inputs, and the call of the kernel that computes it."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from thumbclock.errors import UsageError
from thumbclock.kernels.movement.plan import plan
from thumbclock.kernels.movement.reference import move
from thumbclock.kernels.movement.spec import ConcatSpec, MovementSpec
from thumbclock.kernels.packed import (
    activation_ctype,
    pack_activations,
    pixel_bytes,
    unpack_activations,
)
from thumbclock.kernels.task import Array, IntArray, Task
from thumbclock.kernels.weightless import (
    draw_activations,
    expect_activations,
    weightless_name,
)
from thumbclock.profiles import CoreProfile

__all__ = ["MovementLayer", "random_layer"]


@dataclass(frozen=True)
class MovementLayer:
    """An operator's numbers, unpacked.

    Attributes:
        spec: The operator.
        inputs: HWC each.
        zero_point: What padding of 8 bits holds.
    """

    spec: MovementSpec
    inputs: tuple[IntArray, ...]
    zero_point: int = 0

    @property
    def pad_value(self) -> int:
        """What padding holds: the value whose field is zero where there is no zero point."""
        return {8: self.zero_point, 1: -1}.get(self.spec.precision.activation_bits, 0)

    def task(self, core: CoreProfile) -> Task:  # noqa: ARG002
        """Return the call of the kernel, which is the same for all cores.

        Raises:
            UsageError: The inputs or the zero point are not those of the specification.
        """
        self._expect_numbers()
        spec, bits = self.spec, self.spec.precision.activation_bits
        signed = spec.precision.signed
        ctype = activation_ctype(bits)
        call = plan(spec, self.pad_value)
        height, width, channels = spec.output_shape
        return Task(
            operator=spec.operator,
            implementation=weightless_name(spec.precision),
            weight_bits=0,
            activation_bits=bits,
            shape=dict(zip(("out_h", "out_w", "out_c"), spec.output_shape, strict=True)),
            macs=0,
            header="movement/tc_movement.h",
            files=(f"movement/{call.file}",),
            arrays=tuple(
                Array(
                    f"tc_input{index}" if isinstance(spec, ConcatSpec) else "tc_input",
                    ctype,
                    pack_activations(values, bits, signed=signed),
                    "data",
                )
                for index, values in enumerate(self.inputs)
            ),
            function=call.function,
            arguments=call.arguments,
            output_ctype=ctype,
            output_bytes=height * width * pixel_bytes(channels, bits),
            expected=move(spec, self.inputs, self.pad_value),
            unpack=partial(unpack_activations, shape=spec.output_shape, bits=bits, signed=signed),
        )

    def _expect_numbers(self) -> None:
        shapes = self.spec.input_shapes
        if len(self.inputs) != len(shapes):
            raise UsageError(
                f"{len(self.inputs)} inputs of {self.spec.title}; expected {len(shapes)}"
            )
        for values, shape in zip(self.inputs, shapes, strict=True):
            expect_activations("inputs", values, shape, self.spec.precision)
        if not -128 <= self.zero_point <= 127:
            raise UsageError(f"zero_point is {self.zero_point}; expected -128 to 127")


def random_layer(spec: MovementSpec, seed: int = 0) -> MovementLayer:
    """Draw an operator's inputs and a zero point."""
    rng = np.random.default_rng(seed)
    inputs = tuple(draw_activations(rng, shape, spec.precision) for shape in spec.input_shapes)
    return MovementLayer(spec, inputs, int(rng.integers(-128, 128)))
