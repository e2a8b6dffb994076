"""The memoised engine and the stepped one agree on everything, whatever the program."""

from dataclasses import dataclass, field

import random_programs as programs_of
from random_programs import BUFFER_BYTES, FAR_OFFSET, Assembled

from thumbclock.machine.image import Image
from thumbclock.machine.machine import Machine

_BUFFER_GAP = 0x2000
_STACK_BYTES = 512


@dataclass(frozen=True)
class Setting:
    """A board and where a program and its two buffers are."""

    profile: str
    code: int
    buffers: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.profile}-{self.code:08x}-{self.buffers[0]:08x}-{self.buffers[1]:08x}"


@dataclass
class Observed:
    """Everything that a call leaves behind."""

    call: tuple[int, int, int, int] | str = ""
    memory: tuple[bytes, ...] = ()
    cycles: dict[int, int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)
    stalls: dict[str, int] = field(default_factory=dict)
    mix: dict[str, int] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    inclusive: dict[int, int] = field(default_factory=dict)


class Bench:
    """A machine whose calls are observed."""

    def __init__(self, image: Image, setting: Setting, engine: str) -> None:
        self.machine = Machine(image, setting.profile, engine=engine)  # type: ignore[arg-type]
        self.buffers = setting.buffers

    def call(self, function: str, variant: int) -> Observed:
        """Call a function with fresh buffers; the variant swaps them and shifts one."""
        first, second = self.buffers[:: -1 if variant & 1 else 1]
        machine = self.machine
        for at, other, seed in ((first, second, 1), (second, first, 2)):
            machine.write(at, programs_of.buffer(at, other, 16 * variant + seed))
        shift = (0, 4, 1, 2)[variant % 4]
        pointers = first + FAR_OFFSET, second + FAR_OFFSET + shift
        found = machine.call(function, *pointers, 0x9E3779B9 * variant, max_instructions=30_000)
        stack = machine.guest.register(13)
        account = machine.engine.account()
        return Observed(
            call=(found.value, found.cycles, found.instructions, found.stack_bytes),
            memory=(
                machine.read(first, BUFFER_BYTES),
                machine.read(second, BUFFER_BYTES),
                machine.read(stack - _STACK_BYTES, _STACK_BYTES),
            ),
            cycles=_nonzero(account.cycles),
            counts=_nonzero(account.counts),
            stalls=_nonzero(account.stalls),
            mix=_nonzero(account.mix),
            calls=_nonzero(account.calls),
            inclusive=_nonzero(account.inclusive),
        )


def _nonzero(counter):
    return {key: int(value) for key, value in counter.items() if value}
