"""The memoised engine: the pipeline model run once per distinct situation.

Its counterpart in compiled code is :mod:`thumbclock.machine.native`, which walks the tables that
this module fills in.
"""

import ctypes
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import unicorn
from unicorn import arm_const
from unicorn.unicorn_py3 import unicorn as binding

from thumbclock.cores import Access, Edge, State
from thumbclock.errors import ThumbclockError
from thumbclock.isa import Branch, Instruction, decode_block
from thumbclock.machine import native, predictor
from thumbclock.machine.account import Account
from thumbclock.machine.checks import Fault, Functions, check
from thumbclock.machine.guest import REGISTER_IDS, Guest
from thumbclock.machine.native import H, StopReason
from thumbclock.machine.predictor import BRANCH_CODES
from thumbclock.machine.recipes import Analysis, Op, Touch, analyse
from thumbclock.memory import Timing, caches

__all__ = ["Engine", "MemoisedEngine"]

_WORD = (1 << 32) - 1


class Engine(Protocol):
    """What the machine asks of an engine."""

    fault: Fault | None
    """A fault that the engine foresaw; the instruction at its address has not run."""

    fpu_enabled: bool

    deadline: float | None
    """When to stop, by ``time.monotonic``, should a run meet new code for ever."""

    @property
    def cycles(self) -> int:
        """Cycles so far."""

    @property
    def instructions(self) -> int:
        """Instructions so far, predicated-out ones included."""

    @property
    def stack_lowest(self) -> int:
        """Lowest stack pointer so far."""

    def begin(self, address: int, stack_limit: int) -> None:
        """Start at a function with an idle pipeline; the stack may not go below the limit."""

    def resume(self, address: int, until: int, instruction_limit: int) -> None:
        """Run until something stops it. Raises UcError as Unicorn does."""

    def truncate(self, address: int, *, include: bool) -> None:
        """Count the running unit only up to an instruction, or up to and with it."""

    def forget_code(self, address: int, size_bytes: int) -> None:
        """Forget what is known of code that the host has overwritten."""

    def finish(self) -> None:
        """Close the open calls."""

    def call_stack(self) -> list[int]:
        """Return the indices of the functions that are open, outermost first."""

    def account(self) -> Account:
        """Return the sums so far."""


@dataclass(frozen=True)
class _Touch:
    """A touch: which instruction, what kind, and its first word for the hook."""

    instruction: int
    is_fetch: bool
    word: int


@dataclass(frozen=True)
class _Unit:
    analysis: Analysis
    address: int


@dataclass(frozen=True)
class _Entry:
    unit: int
    cycles: tuple[int, ...]
    stalls: tuple[tuple[str, int], ...]
    state: State
    touches: tuple[_Touch, ...] = ()


class MemoisedEngine:
    """Runs a guest with the pipeline model in tables."""

    def __init__(self, guest: Guest, timing: Timing, functions: Functions) -> None:
        self.guest = guest
        self.timing = timing
        self.functions = functions
        self.fault: Fault | None = None
        self.fpu_enabled = False
        self.deadline: float | None = None
        self._is_late = False
        self._error: BaseException | None = None
        self._probes: set[int] = set()
        self._new_probes: list[tuple[int, int, int]] = []
        self._must_flush = False
        self._folded = Account()
        self._arena = _aligned_zeros(native.ARENA_WORDS)
        self._cache_words = self._arena[native.CACHES : native.CACHES + caches.CACHE_WORDS]
        self._miss = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64)(self._on_miss)
        self._reset_tables()
        self._fill_header()
        guest.on_failed_store = self._enter_no_more
        guest.add_native_hook(
            unicorn.UC_HOOK_BLOCK, int(native.block_hook()), self._arena.ctypes.data
        )

    # Set-up.

    def _fill_header(self) -> None:
        arena, lib = self._arena, binding.uclib
        arena[H.MISS] = _address(self._miss)
        arena[H.STOP_FUNCTION] = _address(lib.uc_emu_stop)
        arena[H.READ_FUNCTION] = _address(lib.uc_reg_read)
        arena[H.REGISTERS] = self.guest.register_file_address()
        arena[H.ARENA] = arena.ctypes.data
        arena[H.FLAGS_REGISTER] = arm_const.UC_ARM_REG_CPSR
        arena[H.STACK_LOWEST] = _WORD
        arena[H.REGISTER_IDS : H.REGISTER_IDS + 16] = REGISTER_IDS
        regions = self.guest.host_regions()
        arena[H.REGION_COUNT] = len(regions)
        for i, region in enumerate(regions):
            arena[native.REGIONS + 4 * i : native.REGIONS + 4 * i + 3] = region
        predictor.initialise(arena[native.PREDICTOR :], self.timing.pipeline.predictor)
        memory = self.timing.memory
        ahead = self.timing.pipeline.fetch_ahead_words
        caches.initialise(self._cache_words, memory.caches, memory.routes, ahead)
        pages = arena[native.PAGE_CLASSES : native.STALLS].view(np.uint8)
        for found in memory.regions:
            pages[found.base >> 12 : found.end + 0xFFF >> 12] = found.wait_class

    def _reset_tables(self) -> None:
        """Empty all tables; entry 0 and unit 0 stand for what came before the first unit."""
        self._arena[native.UNITS :] = 0
        self._arena[native.UNIT_HASH :] = 0
        self._states: list[State] = [None]
        self._state_ids: dict[State, int] = {}
        self._units: list[_Unit | None] = [None]
        self._entries: list[_Entry | None] = [None]
        self._truncated: dict[tuple[int, int, int, int], int] = {}
        self._rings: dict[tuple[int, int], int] = {}  # state, unit -> place of one entry
        self._touches: dict[int, int] = {}  # entry -> where its touches begin
        self._touch_words = 1  # the first one stays unused: 0 stands for no touches
        self._ops = 0

    # The engine's face.

    @property
    def cycles(self) -> int:
        """Cycles so far."""
        return int(self._arena[H.CYCLES])

    @property
    def instructions(self) -> int:
        """Instructions so far."""
        return int(self._arena[H.INSTRUCTIONS])

    @property
    def stack_lowest(self) -> int:
        """Lowest stack pointer so far."""
        return int(self._arena[H.STACK_LOWEST])

    @property
    def table_sizes(self) -> dict[str, int]:
        """How many distinct states, units and entries the run has met."""
        return {
            "states": len(self._states) - 1,
            "units": len(self._units) - 1,
            "entries": len(self._entries) - 1,
        }

    @property
    def unit_runs(self) -> int:
        """How many units ran since the tables were last emptied."""
        first = native.ENTRIES + native.ENTRY_COUNT
        counts = self._arena[first : native.UNIT_HASH : native.ENTRY_WORDS]
        return int(counts.sum())

    def begin(self, address: int, stack_limit: int) -> None:
        """Start at a function with an idle pipeline."""
        arena = self._arena
        self._start_from(self.timing.initial_state())
        arena[H.STACK_LIMIT] = stack_limit
        arena[H.STACK_LOWEST] = self.guest.register(13)
        self._push_call(self.functions.index(address) + 1)

    def resume(self, address: int, until: int, instruction_limit: int) -> None:
        """Run until something stops it."""
        arena = self._arena
        if self._must_flush:
            self._flush()
        arena[H.LIMIT] = instruction_limit
        while True:
            arena[H.STOP] = 0
            self._is_late = False
            arena[H.QUICK_LIMIT] = instruction_limit if arena[H.EDGE] == native.NO_EDGE else 0
            self.guest.uc.emu_start(address | 1, until)
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if arena[H.LOST]:
                raise ThumbclockError(
                    "Unicorn ran on after it was asked to stop: the cycle count would be wrong; "
                    "please report the image"
                )
            if arena[H.STOP] == StopReason.STACK:
                self.fault = Fault.stack(self.guest.register(15), int(arena[H.STACK_LIMIT]))
            if self.fault is not None:
                self._run_to_fault()
            if arena[H.STOP] != StopReason.MISS or self.fault is not None or self._is_late:
                return
            if self._must_flush:
                self._flush()
            self._install_probes()
            address = self.guest.register(15)

    def _run_to_fault(self) -> None:
        """Run what stands in the block before the foreseen fault."""
        assert self.fault is not None
        fault, self.fault = self.fault, None
        here = self.guest.register(15)
        if self._arena[H.STOP] == StopReason.MISS and here != fault.address:
            self._arena[H.STOP] = 0
            self._arena[H.QUICK_LIMIT] = 0
            # Only a block that is translated anew ends where it is asked to.
            self.guest.uc.ctl_remove_cache(here, fault.address + 4)
            self.guest.uc.emu_start(here | 1, fault.address)
            self.guest.uc.ctl_remove_cache(here, fault.address + 4)
        self.fault = fault

    def truncate(self, address: int, *, include: bool) -> None:
        """Count the running unit only up to an instruction, or up to and with it."""
        arena = self._arena
        base = int(arena[H.ENTRY])
        number = _number(base)
        entry = self._entries[number]
        if entry is None:
            return
        unit = self._units[entry.unit]
        assert unit is not None
        kept = [i.address for i in unit.analysis.instructions].index(address) + include
        self._take_back_touches(number, entry, kept)
        self._add_cost(base, -1)
        state = int(arena[base + native.ENTRY_UNIT]) >> 32
        inputs = int(arena[base + native.ENTRY_INPUTS])
        key = (state, entry.unit, inputs, kept)
        if key not in self._truncated:
            self._truncated[key] = self._make_truncated(state, unit, inputs, kept)
        found = _place(self._truncated[key])
        self._add_cost(found, 1)
        arena[H.ENTRY] = found

    def _take_back_touches(self, number: int, entry: _Entry, kept: int) -> None:
        """Take back what touches of instructions behind the first ``kept`` ones made the unit wait.

        The caches stay as they are: only a fault leaves a unit in front of such an instruction, and
        ends the run.
        """
        if number not in self._touches:
            return
        arena = self._arena
        for record in range(native.STALLS, native.STALLS + 2 * int(arena[H.STALLED]), 2):
            index, stall = (int(word) for word in arena[record : record + 2])
            if entry.touches[index].instruction >= kept:
                place = native.TOUCHES + self._touches[number] + native.TOUCH_HEADER
                arena[place + native.TOUCH_WORDS * index + 2] -= np.uint64(stall)
                arena[H.CYCLES] = self.cycles - stall

    def forget_code(self, address: int, size_bytes: int) -> None:
        """Forget what is known of code that the host has overwritten."""
        for unit in self._units:
            if unit is not None and unit.analysis.instructions:
                end = unit.analysis.instructions[-1].end
                if unit.address < address + size_bytes and address < end:
                    self._must_flush = True

    def finish(self) -> None:
        """Close the open calls."""
        arena = self._arena
        while arena[H.CALL_TOP]:
            frame = native.CALLS + native.CALL_WORDS * int(arena[H.CALL_TOP])
            place = native.FUNCTIONS + native.FUNCTION_WORDS * int(arena[frame + 2])
            arena[place + 2] -= np.uint64(1)
            if not arena[place + 2]:
                arena[place + 1] += arena[H.CYCLES] - arena[frame + 1]
            arena[H.CALL_TOP] -= np.uint64(1)

    def call_stack(self) -> list[int]:
        """Return the indices of the functions that are open, outermost first."""
        top = int(self._arena[H.CALL_TOP])
        frames = range(1, top + 1)
        return [
            int(self._arena[native.CALLS + native.CALL_WORDS * frame + 2]) - 1 for frame in frames
        ]

    def account(self) -> Account:
        """Return the sums so far."""
        account = Account()
        for name in ("cycles", "counts", "stalls", "mix"):
            getattr(account, name).update(getattr(self._folded, name))
        self._fold(account)
        account.misses = self.timing.memory.miss_counts(self._cache_words)
        for index in range(self.functions.count + 1):
            place = native.FUNCTIONS + native.FUNCTION_WORDS * index
            calls = int(self._arena[place])
            if calls:
                account.calls[index - 1] = calls
                account.inclusive[index - 1] = int(self._arena[place + 1])
        return account

    # Tables.

    def _start_from(self, state: State) -> None:
        """Make entry 0 the one that ran last, with a state behind it."""
        arena = self._arena
        arena[native.UNITS : native.UNITS + native.UNIT_WORDS] = 0
        arena[native.ENTRIES : native.ENTRIES + native.ENTRY_WORDS] = 0
        arena[native.ENTRIES + native.ENTRY_STATES] = self._state_id(state)
        arena[H.ENTRY] = native.ENTRIES
        arena[H.EDGE] = native.NO_EDGE

    def _state_id(self, state: State) -> int:
        number = self._state_ids.get(state)
        if number is None:
            number = len(self._states)
            self._states.append(state)
            self._state_ids[state] = number
        return number

    def _add_cost(self, base: int, sign: int) -> None:
        arena = self._arena
        cost = int(arena[base + native.ENTRY_COST])
        arena[base + native.ENTRY_COUNT] = int(arena[base + native.ENTRY_COUNT]) + sign
        arena[H.CYCLES] = self.cycles + sign * (cost & _WORD)
        arena[H.INSTRUCTIONS] = self.instructions + sign * (cost >> 32)

    def _push_call(self, function: int) -> None:
        arena = self._arena
        top = int(arena[H.CALL_TOP]) + 1
        arena[H.CALL_TOP] = top
        frame = native.CALLS + native.CALL_WORDS * top
        arena[frame : frame + 3] = (_WORD, self.cycles, function)
        place = native.FUNCTIONS + native.FUNCTION_WORDS * function
        arena[place] += np.uint64(1)
        arena[place + 2] += np.uint64(1)

    def _fold(self, account: Account) -> None:
        """Add the counts of all entries to an account."""
        first = native.ENTRIES + native.ENTRY_COUNT
        counts = self._arena[first : native.UNIT_HASH : native.ENTRY_WORDS]
        for number in np.flatnonzero(counts[: len(self._entries)]):
            entry, count = self._entries[number], int(counts[number])
            assert entry is not None
            unit = self._units[entry.unit]
            assert unit is not None
            for instruction, cycles in zip(unit.analysis.instructions, entry.cycles, strict=False):
                account.cycles[instruction.address] += count * cycles
                account.counts[instruction.address] += count
                account.mix[instruction.kind] += count
            for reason, cycles in entry.stalls:
                account.stalls[reason] += count * cycles
        self._fold_touches(account)

    def _fold_touches(self, account: Account) -> None:
        """Add what the caches made instructions wait."""
        step = native.TOUCH_WORDS
        for number, start in self._touches.items():
            entry = self._entries[number]
            assert entry is not None
            unit = self._units[entry.unit]
            assert unit is not None
            place = native.TOUCHES + start + native.TOUCH_HEADER + 2
            stalls = self._arena[place : place + step * len(entry.touches) : step]
            for index in np.flatnonzero(stalls):
                touch, cycles = entry.touches[index], int(stalls[index])
                account.cycles[unit.analysis.instructions[touch.instruction].address] += cycles
                account.stalls["fetch_miss" if touch.is_fetch else "data_miss"] += cycles

    def _flush(self) -> None:
        """Make room: keep the sums and the present state, forget everything else."""
        self._must_flush = False
        arena = self._arena
        self._fold(self._folded)
        entry = int(arena[H.ENTRY])
        if arena[H.EDGE] == native.NO_EDGE and self._entries[_number(entry)] is not None:
            # Between two blocks that no branch parts: the host was asked for something.
            arena[H.EDGE] = 1
            self._make_edge(entry, 0)
        edge = max(0, int(arena[H.EDGE]) - 1)
        states = int(arena[entry + native.ENTRY_STATES + (edge >> 1)])
        state = self._states[states >> 32 * (edge & 1) & _WORD]
        about = int(arena[entry + native.ENTRY_ABOUT])
        unit = int(arena[entry + native.ENTRY_UNIT]) & _WORD
        function = int(arena[native.UNITS + native.UNIT_WORDS * unit + 6])
        self._reset_tables()
        self._start_from(state)
        # Entry 0 takes the place of the unit that just ran, so that its call is still followed.
        number = int(arena[native.ENTRIES + native.ENTRY_STATES])
        for word in range(2):
            arena[native.ENTRIES + native.ENTRY_STATES + word] = number | number << 32
        arena[native.ENTRIES + native.ENTRY_ABOUT] = about
        arena[native.UNITS + 6] = function
        arena[H.EDGE] = edge + 1

    def _enter_no_more(self) -> None:
        """Let the hook stop at the next block: a store of the running unit has failed."""
        self._arena[H.LIMIT] = self._arena[H.QUICK_LIMIT] = 0

    # Misses.

    def _on_miss(self, what: int) -> int:
        """Fill in what the hook lacks; return 1 to stop the emulation instead."""
        try:
            first, second, third = (int(x) for x in self._arena[H.ARGUMENT : H.ARGUMENT + 3])
            if what == native.MISS_EDGE:
                result = self._make_edge(first, second)
            elif what == native.MISS_UNIT:
                result = self._make_unit(first, second)
            else:
                result = self._make_entry(first, second, third)
            self._arena[H.RESULT] = result
            return 0 if result else 1
        except BaseException as error:
            # It cannot pass through compiled code; resume() raises it when Unicorn has stopped.
            self._error = error
            return 1

    def _make_edge(self, base: int, edge: int) -> int:
        entry = self._entries[_number(base)]
        assert entry is not None
        state = entry.state
        if int(self._arena[base + native.ENTRY_ABOUT]) >> 32 & 0xFF:
            state = self.timing.redirect(state, Edge(edge))
        number = self._state_id(state)
        place = base + native.ENTRY_STATES + (edge >> 1)
        self._arena[place] = int(self._arena[place]) | number << 32 * (edge & 1)
        return number

    def _make_unit(self, address: int, size_bytes: int) -> int:
        if self.deadline is not None and time.monotonic() > self.deadline:
            self._is_late = True
            return 0
        if not self.guest.is_thumb():
            self.fault = Fault.arm_state(address)
            return 0
        code = self.guest.read_code(address, size_bytes)
        instructions = list(decode_block(code, address, self.guest.it_state()))
        # Blocks end without a branch where a 1 KiB page does, or with the instruction across it.
        continues = address % 1024 in (0, 2)
        return self._add_chain(instructions, address, size_bytes, continues=continues)

    def _add_chain(
        self,
        instructions: Sequence[Instruction],
        address: int,
        size_bytes: int,
        *,
        continues: bool,
    ) -> int:
        """Add the units of a block, the last first; return the first, 0 where the run must stop."""
        analysis = analyse(instructions, self.timing, self.guest.read_word, continues=continues)
        behind, split = 0, analysis.split_address
        rest = instructions[len(analysis.instructions) :]
        if split is not None:
            if split not in self._probes:
                self._new_probes.append((split, address, size_bytes))
                return 0
            behind = self._add_chain(rest, split, address + size_bytes - split, continues=True)
            if not behind:
                return 0
        full = (
            len(self._units) + 1 >= native.MAX_UNITS
            or self._ops + len(analysis.program) > native.MAX_OPS
        )
        if full:
            self._must_flush = True
            return 0
        last = analysis.instructions[-1]
        code = BRANCH_CODES[last.branch] if split is None else 0
        number = self._add_unit(analysis, address, size_bytes, behind, code)
        slot = native.hash_unit(address, size_bytes)
        self._insert(native.UNIT_HASH, native.UNIT_HASH_SLOTS, slot, number)
        return number

    def _add_unit(
        self, analysis: Analysis, address: int, size_bytes: int, behind: int, code: int
    ) -> int:
        arena, number = self._arena, len(self._units)
        ops = len(analysis.program)
        arena[native.OPS + self._ops : native.OPS + self._ops + ops] = analysis.program
        self._units.append(_Unit(analysis, address))
        last = analysis.instructions[-1] if analysis.instructions else None
        function = self.functions.index(address)
        flags = native.UNIT_CHECKS_STACK if analysis.stack_drop_bytes else 0
        flags |= native.UNIT_MOVES_STACK if analysis.moves_stack else 0
        flags |= native.UNIT_STARTS_FUNCTION if self.functions.starts(address) else 0
        end = last.end if last is not None else address
        base = native.UNITS + native.UNIT_WORDS * number
        arena[base : base + 7] = (
            address | size_bytes << 32,
            end | code << 32 | flags << 40,
            self._ops | ops << 32,
            analysis.split_address or 0,
            behind,
            analysis.stack_drop_bytes,
            function + 1,
        )
        self._ops += ops
        return number

    def _touches_of(self, analysis: Analysis, inputs: int) -> tuple[_Touch, ...]:
        """Return what a unit shows to the caches, in program order.

        Where an instruction reaches no memory the unit is left, for a peripheral or by a fault.
        """
        if not self.timing.has_caches:
            return ()
        data = {touch.instruction: touch for touch in analysis.touches}
        classes = [
            self.timing.memory.wait_classes[number]
            for number in analysis.wait_classes(inputs, self.timing)
        ]
        found = []
        fetched = None
        for index, instruction in enumerate(analysis.instructions):
            for route, address in self.timing.fetch_touches(instruction):
                if self.timing.line_at(route, address) != fetched:
                    fetched = self.timing.line_at(route, address)
                    word = native.TOUCH_FETCH | route << native.TOUCH_ROUTE_SHIFT | address << 32
                    found.append(_Touch(index, True, word))
            touch = data.get(index)
            if touch is None or (touch.executed is not None and not inputs >> touch.executed & 1):
                continue
            if not classes[index].is_memory:
                break
            if classes[index].route:
                word = _data_word(instruction, touch, classes[index].route)
                found.append(_Touch(index, False, word))
        return tuple(found)

    def _insert(self, table: int, slots: int, slot: int, number: int) -> None:
        """Put a number into the first free slot of a hash table."""
        while self._arena[table + slot]:
            slot = (slot + 1) % slots
        self._arena[table + slot] = number

    def _make_entry(self, state: int, unit_number: int, inputs: int) -> int:
        if len(self._entries) + 1 >= native.MAX_ENTRIES:
            self._must_flush = True
            return 0
        unit = self._units[unit_number]
        assert unit is not None
        accesses = unit.analysis.accesses(inputs, self.timing)
        has = self.timing.pipeline.instruction_set
        for instruction, access in zip(unit.analysis.instructions, accesses, strict=True):
            self.fault = check(instruction, access, has, fpu_enabled=self.fpu_enabled)
            if self.fault is not None:
                return 0
        entry = self._price(state, unit_number, unit.analysis.instructions, accesses)
        entry = replace(entry, touches=self._touches_of(unit.analysis, inputs))
        touch_words = native.TOUCH_HEADER + native.TOUCH_WORDS * len(entry.touches)
        if self._touch_words + touch_words > native.MAX_TOUCH_WORDS:
            self._must_flush = True
            return 0
        place = _place(self._add_entry(entry, state, inputs))
        slot = native.hash_entry(state, unit_number, inputs)
        self._insert(native.ENTRY_HASH, native.ENTRY_HASH_SLOTS, slot, place)
        self._join_ring(state, unit_number, place)
        return place

    def _join_ring(self, state: int, unit: int, place: int) -> None:
        """Let an entry be found from the others of its unit and state, for other inputs."""
        arena = self._arena
        first = self._rings.setdefault((state, unit), place)
        arena[place + native.ENTRY_NEXT] = place
        if first != place:
            arena[place + native.ENTRY_NEXT] = arena[first + native.ENTRY_NEXT]
            arena[first + native.ENTRY_NEXT] = place

    def _price(
        self,
        state_id: int,
        unit: int,
        instructions: Sequence[Instruction],
        accesses: Sequence[Access],
    ) -> _Entry:
        """Run the pipeline model over a unit."""
        state, cycles = self._states[state_id], []
        stalls: dict[str, int] = {}
        for instruction, access in zip(instructions, accesses, strict=True):
            issue = self.timing.issue(state, instruction, access)
            state = issue.state
            cycles.append(issue.cycles)
            for reason, count in issue.stalls:
                stalls[reason] = stalls.get(reason, 0) + count
        return _Entry(unit, tuple(cycles), tuple(stalls.items()), state)

    def _add_entry(self, entry: _Entry, state: int, inputs: int) -> int:
        arena, number = self._arena, len(self._entries)
        self._entries.append(entry)
        base, unit_base = _place(number), native.UNITS + native.UNIT_WORDS * entry.unit
        unit = self._units[entry.unit]
        assert unit is not None
        guards = self._guards(unit, inputs)
        arena[base + native.ENTRY_KEY] = arena[unit_base]
        arena[base + native.ENTRY_KIND] = self._kind(entry.unit, guards)
        arena[base + native.ENTRY_COST] = sum(entry.cycles) | len(entry.cycles) << 32
        words = [word for guard in guards or () for word in guard]
        arena[base + native.ENTRY_GUARDS : base + native.ENTRY_GUARDS + len(words)] = words
        arena[base + native.ENTRY_UNIT] = entry.unit | state << 32
        arena[base + native.ENTRY_INPUTS] = inputs
        arena[base + native.ENTRY_ABOUT] = arena[unit_base + 1]
        arena[base + native.ENTRY_PROGRAM] = arena[unit_base + 2]
        self._add_touches(number, entry)
        return number

    def _add_touches(self, number: int, entry: _Entry) -> None:
        """Write the touches of an entry's unit, with the times at which they happen."""
        if not entry.touches:
            return
        arena, start, count = self._arena, self._touch_words, len(entry.touches)
        fetches = [touch.word for touch in entry.touches if touch.is_fetch]
        last = 0
        if fetches:
            last = fetches[-1] >> native.TOUCH_ROUTE_SHIFT & 0xF | fetches[-1] >> 32 << 32
        place = native.TOUCHES + start
        arena[place : place + native.TOUCH_HEADER] = (count, last, 0, count - len(fetches), 0)
        place += native.TOUCH_HEADER
        times = [0, *itertools.accumulate(entry.cycles)]
        for index, touch in enumerate(entry.touches):
            word = place + native.TOUCH_WORDS * index
            time = times[touch.instruction + (not touch.is_fetch)]
            arena[word : word + native.TOUCH_WORDS] = (touch.word, time, 0, 0)
        self._touches[number] = start
        self._touch_words += native.TOUCH_HEADER + native.TOUCH_WORDS * count
        kind = _place(number) + native.ENTRY_KIND
        arena[kind] = int(arena[kind]) | start << native.TOUCH_SHIFT

    def _kind(self, number: int, guards: Sequence[tuple[int, int]] | None) -> int:
        """Return the bits by which the hook's short path knows what it may handle."""
        about = int(self._arena[native.UNITS + native.UNIT_WORDS * number + 1])
        end, code, flags = about & _WORD, about >> 32 & 0xFF, about >> 40
        kind = end >> 1 << 32 | len(guards or ()) << native.GUARD_SHIFT
        if code <= BRANCH_CODES[Branch.DIRECT] and not flags & native.UNIT_MOVES_STACK:
            kind |= native.LEAVES_QUICKLY
            if code == BRANCH_CODES[Branch.CONDITIONAL] and self.timing.pipeline.predictor:
                kind |= native.IS_CONDITIONAL
        if code:
            kind |= native.IS_BRANCH
            unit = self._units[number]
            assert unit is not None
            last = unit.analysis.instructions[-1]
            if last.target is None or last.target < last.end:
                kind |= native.MAY_LOOP
        if guards is None:
            kind |= native.HAS_RECIPE
        elif not flags & (native.UNIT_CHECKS_STACK | native.UNIT_STARTS_FUNCTION):
            kind |= native.ENTERS_QUICKLY
        return kind

    def _guards(self, unit: _Unit, inputs: int) -> list[tuple[int, int]] | None:
        """Return conditions on registers that make the inputs these, None where it takes more.

        A recipe of roots of registers only is such a condition for each: the low bits, and that
        the address stays in the memory in which it is now.
        """
        program, guards = unit.analysis.program, []
        if len(program) > native.MAX_GUARDS or not self._arena[H.REGISTERS]:
            return None if program else []
        for word in program:
            if word & 0xFF != Op.ROOT_REGISTER:
                return None
            position, register, wanted, addend = word >> 8, word >> 16, word >> 24, word >> 32
            top, skip = wanted & 7, wanted >> 3 & 3
            mask = (1 << top) - (1 << skip)
            low = inputs >> (position & 0xFF) << skip & mask
            start, size = 0, _WORD
            if wanted & 0x80:
                address = self.guest.register(register & 0xFF) + addend & _WORD
                found = self.guest.memory.region_at(address)
                start, size = (found.base, found.memory.size_bytes) if found else (0, 0)
            first = 4 * (register & 0xFF) | mask << 8 | low << 16 | addend << 32
            guards.append((first, addend - start & _WORD | size << 32))
        return guards

    def _make_truncated(self, state: int, unit: _Unit, inputs: int, kept: int) -> int:
        """Price the first instructions of a unit, with the inputs that the whole one got."""
        accesses = unit.analysis.accesses(inputs, self.timing)[:kept]
        instructions = unit.analysis.instructions[:kept]
        # It has no touches: those of the whole unit that were not taken back stand.
        number = self._add_unit(Analysis(tuple(instructions)), unit.address, 0, 0, code=0)
        entry = self._price(state, number, instructions, accesses)
        entry = replace(entry, state=self.timing.separate(entry.state))
        return self._add_entry(entry, state, inputs)

    def _install_probes(self) -> None:
        for address, start, size_bytes in self._new_probes:
            self.guest.add_native_hook(
                unicorn.UC_HOOK_CODE,
                int(native.probe_hook()),
                self._arena.ctypes.data,
                address,
                address,
            )
            self._probes.add(address)
            self.guest.uc.ctl_remove_cache(start, start + size_bytes)
        self._new_probes.clear()


def _data_word(instruction: Instruction, touch: Touch, route: int) -> int:
    """Return the first word of a load's or store's touch."""
    memory = instruction.memory
    assert memory is not None
    source = {"register": native.TOUCH_REGISTER, "slot": native.TOUCH_SLOT, "none": 0}[touch.base]
    if not memory.is_load:
        source |= native.TOUCH_STORE
    source |= route << native.TOUCH_ROUTE_SHIFT
    return source | touch.number << 8 | memory.total_bytes << 16 | touch.constant << 32


def _address(function: Any) -> int:
    """Return the address of a C function."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _place(number: int) -> int:
    """Return where an entry begins in the arena."""
    return native.ENTRIES + native.ENTRY_WORDS * number


def _number(place: int) -> int:
    """Return the number of the entry that begins at a place in the arena."""
    return (place - native.ENTRIES) // native.ENTRY_WORDS


def _aligned_zeros(count: int) -> npt.NDArray[np.uint64]:
    """Return words that begin with a line of the host's cache."""
    words = np.zeros(count + 8, np.uint64)
    skipped = -words.ctypes.data % 64 // 8
    return words[skipped : skipped + count]
