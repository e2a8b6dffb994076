"""The prefetch unit of Cortex-M3 and M4: aligned words in, instructions of 16 and 32 bits out.

The unit reads one aligned word a cycle into its buffer as long as there is room (Arm KA 103488664;
DDI 0337G, 1.4.4): the address goes out in one cycle, the word comes in during the next and can be
decoded in the one behind it. An instruction leaves the buffer in its last cycle of decode, and a
word's place is free once its last byte has left. ``offset`` is 1 where the buffer begins with the
second half of a word.
"""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Prefetch", "PrefetchUnit"]


class Prefetch(NamedTuple):
    """The buffer at the start of a cycle.

    Attributes:
        halfwords: Halfwords that can be decoded in this cycle.
        arriving: A word comes in during this cycle.
        held: The execute stage held the decoder in the cycle before; then the unit learns one cycle
            late that room is made.
    """

    halfwords: int = 0
    arriving: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class PrefetchUnit:
    """What fills the buffer, of ``capacity_words``."""

    capacity_words: int

    def full(self) -> Prefetch:
        """Return the buffer of a core that has waited."""
        return Prefetch(2 * self.capacity_words)

    def refilled(self, offset: int) -> Prefetch:
        """Return the buffer in the cycle in which the first word of a branch target is decoded."""
        return Prefetch(2 - offset, arriving=True)

    def hold(self, buffer: Prefetch, cycles: int, offset: int) -> Prefetch:
        """Return the buffer after cycles in which the execute stage holds the decoder."""
        for _ in range(cycles):
            buffer = self._fill(buffer, 0, _words(buffer.halfwords, offset), held=True)
        return buffer

    def starve(self, buffer: Prefetch, offset: int) -> Prefetch:
        """Return the buffer after a cycle in which the decoder waits for it."""
        return self._fill(buffer, 0, _words(buffer.halfwords, offset))

    def take(
        self, buffer: Prefetch, halfwords: int, offset: int, *, branches: bool = False
    ) -> Prefetch:
        """Return the buffer after a cycle in which the decoder takes an instruction.

        A branch that is decided in decode puts its target's address on the bus, in the place of the
        next word's.
        """
        if branches:
            occupied = self.capacity_words
        elif buffer.held:
            occupied = _words(buffer.halfwords, offset)
        else:
            occupied = _words(buffer.halfwords - halfwords, (offset + halfwords) % 2)
        return self._fill(buffer, halfwords, occupied)

    def _fill(
        self, buffer: Prefetch, taken: int, occupied_words: int, *, held: bool = False
    ) -> Prefetch:
        reads = occupied_words + buffer.arriving < self.capacity_words
        return Prefetch(buffer.halfwords - taken + 2 * buffer.arriving, reads, held)


def _words(halfwords: int, offset: int) -> int:
    """Return how many words hold that many halfwords."""
    return (halfwords + offset + 1) // 2
