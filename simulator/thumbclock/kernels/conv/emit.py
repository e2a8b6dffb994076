"""Assembly of a convolution whose weights are constants in the code.

The emitted function computes the sums of one block of four pixels (a column of 16-bit activation
pairs each, interleaved word by word) for all output channels. Two channels share each load of an
activation pair. A weight that is zero costs nothing where its partner in the pair is zero too;
where it is not, the constant is shorter at best. So an operand is left out by making it zero, and
nothing of it is left in the sum.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from thumbclock.kernels.conv.packing import lane_pairs, window_fields
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.task import IntArray

__all__ = ["PIXELS", "emit_unrolled"]

PIXELS = 4
"""Pixels in a block: how often each constant is used once it is in a register."""

_ACCUMULATORS = ("r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11")
_CONSTANTS = ("r2", "r3")
_ACTIVATIONS = ("r1", "r12", "lr")
_REACH_BYTES = 4092  # of a load's immediate offset


def emit_unrolled(spec: ConvSpec, weights: IntArray, name: str = "tc_unrolled_dot") -> str:
    """Return GNU assembly of ``void name(const uint32_t *columns, int32_t *sums)``.

    Args:
        spec: The convolution.
        weights: OHWI int8; operands to leave out are zero.
        name: The function's symbol; its section is ``.text.tc_unrolled``.
    """
    by_channel = np.zeros((-(-spec.out_c // 2) * 2, spec.products + 1), np.int64)
    by_channel[: spec.out_c, :-1] = weights.reshape(spec.out_c, spec.products)
    lanes = by_channel[:, lane_pairs(window_fields(spec, 1), 8)]  # padding meets the last zero
    words = (lanes[..., 0] & 0xFFFF) | (lanes[..., 1] & 0xFFFF) << 16
    body = [line for pair in words.reshape(-1, 2, words.shape[1]) for line in _channel_pair(pair)]
    return "\n".join(
        [
            "    .syntax unified",
            "    .thumb",
            '    .section .text.tc_unrolled, "ax", %progbits',
            "    .p2align 3",
            f"    .global {name}",
            f"    .type {name}, %function",
            "    .thumb_func",
            f"{name}:",
            "    push {r1, r4-r11, lr}",
            *(f"    {line}" for line in body),
            "    pop {r1, r4-r11, pc}",
            f"    .size {name}, . - {name}",
            "",
        ]
    )


@dataclass
class _Step:
    """One SMLAD, with what must be in registers before it."""

    word: int
    pixel: int
    channel: int
    constants: list[str] = field(default_factory=list)
    loads: bool = False


def _channel_pair(words: IntArray) -> list[str]:
    """Return the code of two output channels: sums of eight accumulators, stored."""
    steps = list(_steps(words))
    lines = list(_issue(steps))
    started = {(step.channel, step.pixel) for step in steps}
    for channel in range(2):
        if (channel, 0) not in started:
            lines += [f"mov {acc}, #0" for acc in _ACCUMULATORS[channel * 4 : channel * 4 + 4]]
    return [*lines, "ldr r1, [sp]", "stmia r1!, {r4-r11}", "str r1, [sp]"]


def _steps(words: IntArray) -> Iterator[_Step]:
    for word in np.flatnonzero(words.any(axis=0)):
        channels = [channel for channel in range(2) if words[channel, word]]
        for pixel in range(PIXELS):
            for channel in channels:
                step = _Step(int(word), pixel, channel, loads=channel == channels[0])
                if pixel == 0:
                    value = int(words[channel, word])
                    step.constants = _constant(_CONSTANTS[channel], value)
                yield step


def _issue(steps: list[_Step]) -> Iterator[str]:
    """Order loads one activation ahead of their use, constants right before theirs.

    Three registers hold activations in turn: while one is multiplied the next is there and the
    one after it is on its way, so that no SMLAD waits for a load.
    """
    loads = [(step.word, step.pixel) for step in steps if step.loads]
    base = 0
    issued = 0
    used = -1
    fresh = set(range(2 * PIXELS))

    def load() -> Iterator[str]:
        nonlocal base, issued
        word, pixel = loads[issued]
        offset = 4 * (word * PIXELS + pixel)
        if offset - base > _REACH_BYTES:
            yield f"add r0, r0, #{_REACH_BYTES + 4}"
            base += _REACH_BYTES + 4
        yield f"ldr {_ACTIVATIONS[issued % 3]}, [r0, #{offset - base}]"
        issued += 1

    for step in steps:
        yield from step.constants
        if step.loads:
            used += 1
            while issued < min(len(loads), used + 3):
                yield from load()
        accumulator = step.channel * PIXELS + step.pixel
        operands = f"{_CONSTANTS[step.channel]}, {_ACTIVATIONS[used % 3]}"
        target = _ACCUMULATORS[accumulator]
        if accumulator in fresh:
            fresh.remove(accumulator)
            yield f"smuad {target}, {operands}"
        else:
            yield f"smlad {target}, {operands}, {target}"
    if base:
        yield f"sub r0, r0, #{base}"


def _constant(register: str, value: int) -> list[str]:
    """Return the shortest code that puts a 32-bit constant into a register."""
    if _is_modified_immediate(value):
        return [f"mov {register}, #{value:#x}"]
    inverted = ~value & 0xFFFFFFFF
    if _is_modified_immediate(inverted):
        return [f"mvn {register}, #{inverted:#x}"]
    low = [f"movw {register}, #{value & 0xFFFF:#x}"]
    return low if value < 1 << 16 else [*low, f"movt {register}, #{value >> 16:#x}"]


def _is_modified_immediate(value: int) -> bool:
    """Whether Thumb's 12-bit modified immediates can hold a 32-bit constant."""
    byte = value & 0xFF
    high = value >> 8 & 0xFF
    if value in {byte, byte * 0x00010001, high * 0x01000100, byte * 0x01010101}:
        return True
    # Eight bits, the highest of them set, anywhere above the lowest byte.
    lowest = max(value.bit_length() - 8, 0)
    return value == value >> lowest << lowest
