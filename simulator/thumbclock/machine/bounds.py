"""Which memory a program may touch: a check that silicon does not make."""

from bisect import bisect_right
from collections.abc import Iterable

from thumbclock.isa import Instruction
from thumbclock.isa.instruction import PC
from thumbclock.machine.checks import Fault
from thumbclock.machine.image import Extent

__all__ = ["Bounds"]


class Bounds:
    """The objects that may be read and written; an access must lie within one of them."""

    def __init__(self, readable: Iterable[Extent], writable: Iterable[Extent]) -> None:
        stores = list(writable)
        self._by_kind = {True: _disjoint([*readable, *stores]), False: _disjoint(stores)}

    def violation(self, instruction: Instruction, address: int) -> Fault | None:
        """Return the fault of an access outside of them, None where there is none.

        Args:
            instruction: What accesses memory; literals beside its own code are always allowed.
            address: The first byte that it accesses.
        """
        memory = instruction.memory
        if memory is None or memory.base == PC:
            return None
        extents = self._by_kind[memory.is_load]
        index = bisect_right(extents, address, key=lambda extent: extent.address) - 1
        if index >= 0 and address + memory.total_bytes <= extents[index].end:
            return None
        verb = "reads" if memory.is_load else "writes"
        near = min(extents, key=lambda e: _distance(e, address), default=None)
        where = f"; the nearest that it may is {_text(near)}" if near else ""
        return Fault(
            "memory check",
            f"'{instruction.text}' {verb} {memory.total_bytes} bytes at 0x{address:08x}, outside "
            f"of all that it may{where}",
            instruction.address,
        )


def _disjoint(extents: Iterable[Extent]) -> list[Extent]:
    """Return extents by address, those that overlap as one; neighbours stay apart."""
    joined: list[Extent] = []
    for extent in sorted(extents):
        if joined and extent.address < joined[-1].end:
            last = joined[-1]
            end = max(last.end, extent.end)
            joined[-1] = Extent(last.address, end - last.address, last.name)
        else:
            joined.append(extent)
    return joined


def _distance(extent: Extent, address: int) -> int:
    return max(extent.address - address, address - extent.end + 1, 0)


def _text(extent: Extent) -> str:
    last = extent.end - 1
    return f"{extent.name or 'memory'} (0x{extent.address:08x} to 0x{last:08x})"
