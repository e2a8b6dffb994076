"""What is moved where: the structures of ``tc_movement.h``, in bytes or in bits.

Fields of whole bytes move as bytes. Bits are counted from the start of a tensor, and a pixel takes
whole bytes.
"""

from dataclasses import dataclass, replace

from thumbclock.kernels.movement.spec import (
    ConcatSpec,
    MovementSpec,
    PadSpec,
    ReshapeSpec,
    TransposeSpec,
)
from thumbclock.kernels.packed import pixel_bytes
from thumbclock.kernels.task import Argument, Pointer, Struct

__all__ = ["Call", "plan"]

_OUTPUT = Pointer("tc_output")


@dataclass(frozen=True)
class Call:
    """A function of ``tc_movement.h`` and what it is called with."""

    file: str
    function: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class _Move:
    """``tc_move`` in bits."""

    rows: int
    runs: int
    size: int
    from_row: int
    from_run: int
    first: int
    to_row: int
    to_run: int

    def joined(self) -> "_Move":
        """Return the same with what is contiguous on both sides as one run."""
        move = self
        if move.runs == 1 or move.from_run == move.to_run == move.size:
            size = move.runs * move.size
            move = replace(
                move, rows=1, runs=move.rows, size=size, from_run=move.from_row, to_run=move.to_row
            )
            move = replace(move, from_row=0, to_row=0)
            if move.from_run == move.to_run == move.size:
                move = replace(move, runs=1, size=move.runs * move.size)
        return move

    @property
    def is_bytes(self) -> bool:
        """Whether it moves whole bytes to whole bytes."""
        return not (self.size | self.first | self.to_row | self.to_run) & 7

    def fields(self) -> tuple[int, ...]:
        """Return the fields of the structure, in bytes where `is_bytes`."""
        unit = 8 if self.is_bytes else 1
        distances = (self.size, self.from_row, self.from_run, self.first, self.to_row, self.to_run)
        return (self.rows, self.runs, *(distance // unit for distance in distances))


def plan(spec: MovementSpec, pad_value: int) -> Call:
    """Return the call that computes an operator.

    Args:
        spec: The operator.
        pad_value: What padding of 8 bits holds; that of others is a field of zero.
    """
    match spec:
        case PadSpec():
            return _plan_pad(spec, pad_value)
        case ConcatSpec():
            return _plan_concat(spec)
        case TransposeSpec():
            return _plan_transpose(spec)
        case ReshapeSpec():
            return _plan_reshape(spec)


def _output_bytes(spec: MovementSpec) -> int:
    height, width, channels = spec.output_shape
    return height * width * pixel_bytes(channels, spec.precision.activation_bits)


def _place(
    shape: tuple[int, int, int],
    output_shape: tuple[int, int, int],
    at: tuple[int, int, int],
    bits: int,
) -> _Move:
    """Return the move of an image to a place in another."""
    height, width, channels = shape
    from_pixel = 8 * pixel_bytes(channels, bits)
    to_pixel = 8 * pixel_bytes(output_shape[2], bits)
    to_row = output_shape[1] * to_pixel
    # What ends a pixel, and starts with a byte, takes its spare fields along.
    ends = at[2] + channels == output_shape[2] and at[2] * bits % 8 == 0
    size = from_pixel if ends else channels * bits
    first = at[0] * to_row + at[1] * to_pixel + at[2] * bits
    return _Move(height, width, size, width * from_pixel, from_pixel, first, to_row, to_pixel)


def _plan_pad(spec: PadSpec, pad_value: int) -> Call:
    bits = spec.precision.activation_bits
    move = _place(spec.shape, spec.output_shape, spec.before, bits).joined()
    arguments = (
        Struct("tc_move", move.fields()),
        Pointer("tc_input"),
        _OUTPUT,
        _output_bytes(spec),
    )
    if move.is_bytes:
        value = pad_value if bits == 8 else 0
        return Call("move.c", "tc_pad_bytes", (*arguments, value))
    return Call("move.c", "tc_pad_fields", arguments)


def _plan_concat(spec: ConcatSpec) -> Call:
    bits, at, moves = spec.precision.activation_bits, [0, 0, 0], []
    for shape in spec.input_shapes:
        moves.append(_place(shape, spec.output_shape, (at[0], at[1], at[2]), bits).joined())
        at[spec.axis] += shape[spec.axis]
    whole = all(move.is_bytes for move in moves)
    parts: list[int | Pointer] = []
    for index, move in enumerate(moves):
        scale = 8 if move.is_bytes and not whole else 1
        rows, runs, *distances = move.fields()
        parts += [Pointer(f"tc_input{index}"), rows, runs, *(scale * d for d in distances)]
    fields = (_output_bytes(spec), len(moves), *parts)
    name = "tc_concat_bytes" if whole else "tc_concat_fields"
    return Call("move.c", name, (Struct("tc_concat", fields), _OUTPUT))


def _plan_transpose(spec: TransposeSpec) -> Call:
    bits = spec.precision.activation_bits
    height, width, channels = spec.shape
    from_pixel = pixel_bytes(channels, bits)
    strides = (width * from_pixel, from_pixel)
    to_last = pixel_bytes(spec.output_shape[2], bits)
    to = {spec.order[1]: to_last, spec.order[0]: spec.output_shape[1] * to_last}
    last = spec.order[2]
    if last == 2:
        move = _Move(height, width, *(8 * n for n in (from_pixel, *strides, 0, to[0], to[1])))
        fields = move.joined().fields()
        return Call(
            "move.c", "tc_move_bytes", (Struct("tc_move", fields), Pointer("tc_input"), _OUTPUT)
        )
    unit = 1 if bits == 8 else 8
    across = 1 - last
    matrix = (
        *(spec.shape[across], spec.shape[last], channels),
        *(unit * strides[across], unit * strides[last], to[across], to[2]),
    )
    if bits == 8 and spec.order == (2, 0, 1):  # the image's pixels are one row of the matrix
        matrix = (1, height * width, channels, 0, from_pixel, 0, to[2])
    return Call(
        "transpose.c",
        f"tc_transpose_a{bits}",
        (Struct("tc_transpose", matrix), Pointer("tc_input"), _OUTPUT),
    )


def _plan_reshape(spec: ReshapeSpec) -> Call:
    bits = spec.precision.activation_bits
    in_c, (out_h, out_w, out_c) = spec.shape[2], spec.output_shape
    if in_c == out_c or not (in_c * bits | out_c * bits) & 7:
        size = 8 * _output_bytes(spec)
        fields = _Move(1, 1, size, 0, 0, 0, 0, 0).fields()
        return Call(
            "move.c", "tc_move_bytes", (Struct("tc_move", fields), Pointer("tc_input"), _OUTPUT)
        )
    if out_c % in_c == 0:  # as where an image becomes one vector: its pixels side by side
        pixels, from_pixel = out_c // in_c, 8 * pixel_bytes(in_c, bits)
        to_row = 8 * pixel_bytes(out_c, bits)
        move = _Move(
            *(out_h * out_w, pixels, in_c * bits, pixels * from_pixel, from_pixel),
            *(0, to_row, in_c * bits),
        )
        output_bytes = _output_bytes(spec)
        return Call(
            "move.c",
            "tc_pad_fields",
            (Struct("tc_move", move.fields()), Pointer("tc_input"), _OUTPUT, output_bytes),
        )
    arguments = (in_c, out_c, out_h * out_w, bits, Pointer("tc_input"), _OUTPUT)
    return Call("transpose.c", "tc_reshape_fields", arguments)
