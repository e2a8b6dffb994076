"""A board's memories as the simulator sees them: regions, aliases, wait states, fetch lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from thumbclock.errors import UsageError
from thumbclock.profiles import BoardProfile, Memory

__all__ = ["PAGE_BITS", "MemoryMap", "Region", "WaitClass"]

PAGE_BITS = 12
"""log2 of the granularity at which wait classes are told apart: Unicorn's own page size."""


@dataclass(frozen=True, slots=True)
class WaitClass:
    """Timing of data accesses to a memory: stalls, and banks that serve a load each per cycle."""

    read_cycles: int
    write_cycles: int
    data_banks: int


@dataclass(frozen=True, slots=True)
class Region:
    """One address range of a memory; aliases of a memory are regions of their own."""

    memory: Memory
    base: int
    wait_class: int
    fetch_wait_cycles: int
    fetch_line_bytes: int

    @property
    def end(self) -> int:
        """First address behind the region."""
        return self.base + self.memory.size_bytes


class MemoryMap:
    """The regions of a board and the classes of wait states that they fall into."""

    def __init__(self, board: BoardProfile) -> None:
        classes: list[WaitClass] = []
        regions = []
        for memory in board.memories:
            waits = WaitClass(
                read_cycles=memory.wait_cycles("read"),
                write_cycles=memory.wait_cycles("write") if memory.writable else 0,
                data_banks=memory.data_banks,
            )
            if waits not in classes:
                classes.append(waits)
            regions += [
                Region(
                    memory=memory,
                    base=base,
                    wait_class=classes.index(waits),
                    fetch_wait_cycles=memory.wait_cycles("fetch") if memory.executable else 0,
                    fetch_line_bytes=memory.fetch_line_bytes,
                )
                for base in memory.bases
            ]
        self.regions: Sequence[Region] = tuple(sorted(regions, key=lambda region: region.base))
        self.wait_classes: Sequence[WaitClass] = tuple(classes)

    def region_at(self, address: int) -> Region | None:
        """Return the region that holds ``address``."""
        return next((r for r in self.regions if r.base <= address < r.end), None)

    def wait_class_at(self, address: int) -> int:
        """Return the wait class of a data access; unmapped addresses fault and have class 0."""
        region = self.region_at(address)
        return region.wait_class if region else 0

    def require(self, address: int, size_bytes: int, what: str) -> Region:
        """Return the region that holds a whole range.

        Raises:
            UsageError: No memory of the board holds it.
        """
        region = self.region_at(address)
        if region is None or address + size_bytes > region.end:
            known = ", ".join(
                f"{r.memory.name} 0x{r.base:08x}-0x{r.end - 1:08x}" for r in self.regions
            )
            raise UsageError(
                f"{what} needs 0x{address:08x}-0x{address + size_bytes - 1:08x}, which this board "
                f"does not have (memories: {known}); choose a profile with more memory there, or "
                "link the image for this one"
            )
        return region
