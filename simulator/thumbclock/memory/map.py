"""A board's memories as the simulator sees them: regions, aliases, wait states, fetch lines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from thumbclock.errors import UsageError
from thumbclock.memory.caches import Route, miss_counts
from thumbclock.profiles import BoardProfile, Cache, Memory

__all__ = ["PAGE_BITS", "MemoryMap", "Region", "WaitClass"]

PAGE_BITS = 12
"""log2 of the granularity at which wait classes are told apart: Unicorn's own page size."""


@dataclass(frozen=True, slots=True)
class WaitClass:
    """Timing of data accesses to a memory.

    Attributes:
        read_cycles: Stall of a load.
        write_cycles: Stall of a store.
        turnaround_cycles: Stall of a load directly behind a store, where no cache is between.
        data_banks: 32-bit banks that serve a load each per cycle.
        route: Number of the way through caches, 0 where accesses meet none.
        is_memory: False for addresses at which the board has none.
    """

    read_cycles: int = 0
    write_cycles: int = 0
    turnaround_cycles: int = 0
    data_banks: int = 1
    route: int = 0
    is_memory: bool = True


@dataclass(frozen=True, slots=True)
class Region:
    """One address range of a memory; aliases of a memory are regions of their own.

    Attributes:
        memory: What lies there.
        base: First address.
        wait_class: Index of the class of its data accesses.
        route: Number of the way through caches, 0 where accesses meet none.
        fetch_wait_cycles: Stall where fetch enters a new line, with no cache in front.
        fetch_line_bytes: Bytes that such a fetch brings.
    """

    memory: Memory
    base: int
    wait_class: int
    route: int
    fetch_wait_cycles: int
    fetch_line_bytes: int

    @property
    def end(self) -> int:
        """First address behind the region."""
        return self.base + self.memory.size_bytes


class MemoryMap:
    """The regions of a board, the classes of waits they fall into, and the routes to them.

    A memory behind an enabled cache has no waits of its own: a hit costs nothing beyond the
    pipeline, and what a miss costs is the cache's to say.
    """

    def __init__(self, board: BoardProfile) -> None:
        self.caches: Sequence[Cache] = board.enabled_caches
        self.routes: list[Route] = []
        elsewhere = WaitClass(is_memory=False)
        classes = [elsewhere]
        regions = []
        for memory in board.memories:
            fetch, data = (self._cache_of(memory, use) for use in ("fetch", "data"))
            route = self._route(memory, fetch, data)
            waits = self._waits(memory, data, route if data >= 0 else 0)
            if waits not in classes:
                classes.append(waits)
            waits_to_fetch = memory.executable and fetch < 0
            regions += [
                Region(
                    memory=memory,
                    base=base,
                    wait_class=classes.index(waits),
                    route=route,
                    fetch_wait_cycles=memory.wait_cycles("fetch") if waits_to_fetch else 0,
                    fetch_line_bytes=memory.fetch_line_bytes,
                )
                for base in memory.bases
            ]
        self.regions: Sequence[Region] = tuple(sorted(regions, key=lambda region: region.base))
        self.has_classes = len(classes) > 2 or bool(self.routes)
        if not self.has_classes:  # all memories are alike: no address has to be told apart
            classes[0] = classes[-1]
        self.wait_classes: Sequence[WaitClass] = tuple(classes)

    def _cache_of(self, memory: Memory, use: str) -> int:
        """Return the index of the cache in front of a memory for fetches or for data, or -1."""
        serving = (
            index
            for index, cache in enumerate(self.caches)
            if memory.name in cache.memories and cache.serves in (use, "both")
        )
        return next(serving, -1)

    def _route(self, memory: Memory, fetch: int, data: int) -> int:
        if fetch < 0 and data < 0:
            return 0
        assert memory.miss_cycles is not None
        assert memory.miss_rest_cycles is not None
        misses = (memory.miss_cycles.integer, memory.miss_rest_cycles.integer)
        self.routes.append(Route(fetch, data, *misses))
        return len(self.routes)

    def _waits(self, memory: Memory, data: int, route: int) -> WaitClass:
        """Return the waits of data accesses, those that a cache takes away left out."""
        cache = self.caches[data] if data >= 0 else None
        writes_back = cache is not None and cache.writes == "back"
        waits_to_write = memory.writable and not writes_back
        turnaround = memory.read_after_write_cycles if cache is None else None
        return WaitClass(
            read_cycles=memory.wait_cycles("read") if cache is None else 0,
            write_cycles=memory.wait_cycles("write") if waits_to_write else 0,
            turnaround_cycles=0 if turnaround is None else turnaround.integer,
            data_banks=memory.data_banks if cache is None else cache.data_banks,
            route=route,
        )

    def region_at(self, address: int) -> Region | None:
        """Return the region that holds ``address``."""
        return next((r for r in self.regions if r.base <= address < r.end), None)

    def wait_class_at(self, address: int) -> int:
        """Return the wait class of a data access; unmapped addresses fault and have class 0."""
        region = self.region_at(address)
        return region.wait_class if region else 0

    def miss_counts(self, words: npt.NDArray[np.uint64]) -> Counter[str]:
        """Return the misses of each cache, from the table in which they are simulated."""
        counts = miss_counts(words, len(self.caches))
        return Counter({cache.name: n for cache, n in zip(self.caches, counts, strict=True)})

    def route_at(self, address: int) -> int:
        """Return the number of the route of an access, 0 where it meets no cache."""
        region = self.region_at(address)
        return region.route if region else 0

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
