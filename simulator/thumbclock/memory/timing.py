"""A core with its memories: the state machine that both engines run.

Fetch is priced by lines: entering a new line of a memory with wait states, in sequence or behind a
taken branch, stalls the front end for that memory's fetch wait. A branch is taken to lose the line
buffer, so its target is always fetched anew. Where a cache or prefetch buffer stands in front of a
memory, :mod:`thumbclock.memory.caches` prices it instead, and here it has no waits.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from thumbclock.cores import Access, Edge, Issue, PipelineModel, State
from thumbclock.isa import Instruction
from thumbclock.memory.map import MemoryMap

__all__ = ["Timing"]


class _State(NamedTuple):
    pipeline: State
    redirected: bool


class Timing:
    """Pipeline and memories together."""

    def __init__(self, pipeline: PipelineModel, memory: MemoryMap) -> None:
        self.pipeline = pipeline
        self.memory = memory
        self._fetches = any(region.fetch_wait_cycles for region in memory.regions)

    @property
    def has_caches(self) -> bool:
        """Whether accesses can miss a cache."""
        return bool(self.memory.routes)

    def fetch_touches(self, instruction: Instruction) -> tuple[tuple[int, int], ...]:
        """Return route and address of each cache line that an instruction lies in."""
        region = self.memory.region_at(instruction.address)
        if region is None or not region.route:
            return ()
        cache = self.memory.routes[region.route - 1].fetch_cache
        if cache < 0:
            return ()
        line = self.memory.caches[cache].line_bytes
        first, last = instruction.address, instruction.end - 1
        places = (first,) if first // line == last // line else (first, last)
        return tuple((region.route, place) for place in places)

    def line_at(self, route: int, address: int) -> int:
        """Return the number of the line that a fetch from ``address`` finds in its cache."""
        cache = self.memory.caches[self.memory.routes[route - 1].fetch_cache]
        return address // cache.line_bytes

    def initial_state(self) -> State:
        """Return the state at reset: an idle pipeline with nothing fetched."""
        return _State(self.pipeline.initial_state(), self._fetches)

    def redirect(self, state: State, edge: Edge) -> State:
        """Return the state behind a branch that left by ``edge``."""
        assert isinstance(state, _State)
        taken = edge in (Edge.TAKEN, Edge.TAKEN_MISPREDICTED)
        redirected = self._fetches and (taken or state.redirected)
        return _State(self.pipeline.redirect(state.pipeline, edge), redirected)

    def narrowed(self, instructions: Sequence[Instruction]) -> Callable[[State], State]:
        """Return what makes states equal that differ in nothing these instructions can feel."""
        narrow = self.pipeline.narrowed(instructions)

        def narrow_pipeline(state: State) -> State:
            assert isinstance(state, _State)
            return state._replace(pipeline=narrow(state.pipeline))

        return narrow_pipeline

    def stall(self, state: State, cycles: int) -> State:
        """Return the state after cycles in which nothing could issue."""
        assert isinstance(state, _State)
        return state._replace(pipeline=self.pipeline.stall(state.pipeline, cycles))

    def separate(self, state: State) -> State:
        """Return the state behind a device access, with which nothing issues together."""
        assert isinstance(state, _State)
        return state._replace(pipeline=self.pipeline.stall(state.pipeline, 0))

    def issue(self, state: State, instruction: Instruction, access: Access) -> Issue:
        """Fetch and issue one instruction."""
        assert isinstance(state, _State)
        if not self._fetches:
            issue = self.pipeline.issue(state.pipeline, instruction, access)
            return Issue(_State(issue.state, False), issue.cycles, issue.stalls)
        wait = self._fetch_wait(instruction, state.redirected)
        pipeline = self.pipeline.stall(state.pipeline, wait) if wait else state.pipeline
        issue = self.pipeline.issue(pipeline, instruction, access)
        stalls = (*issue.stalls, ("fetch_wait", wait)) if wait else issue.stalls
        return Issue(_State(issue.state, False), issue.cycles + wait, stalls)

    def access(self, wait_class: int, address_low: int, *, executed: bool, bits: int) -> Access:
        """Return the access of an instruction that reaches memory of ``wait_class``."""
        waits = self.memory.wait_classes[wait_class]
        return Access(
            executed=executed,
            address_low=address_low if executed else 0,
            read_wait_cycles=waits.read_cycles if executed else 0,
            write_wait_cycles=waits.write_cycles if executed else 0,
            turnaround_cycles=waits.turnaround_cycles if executed else 0,
            quotient_bits=bits if executed else 0,
            data_banks=waits.data_banks,
        )

    def _fetch_wait(self, instruction: Instruction, redirected: bool) -> int:
        region = self.memory.region_at(instruction.address)
        if region is None or not region.fetch_wait_cycles:
            return 0
        line = region.fetch_line_bytes
        first, last = instruction.address // line, (instruction.end - 1) // line
        lines = last - first
        if redirected or instruction.address % line == 0:
            lines += 1
        return lines * region.fetch_wait_cycles
