"""Cortex-M4: single issue, three stages, loads and stores that pipeline with their neighbours.

Sources: Arm DDI 0439 and DDI 0337 (timing tables, stages of branches) and measurements on STM32F4;
each number, with its source, is in ``profiles/cores/cortex-m4.toml``. The comments below name the
rule that a line stands for.

Costs are charged in the execute stage. While an instruction executes, the next one is in decode:
what holds it there (a load's second cycle, an address that is not yet in the register bank, a store
in front of a load) is charged when it issues, and the prefetch buffer goes on filling meanwhile.
"""

from enum import StrEnum
from typing import NamedTuple

from thumbclock.cores.model import Access, Edge, Issue, PipelineModel, State
from thumbclock.cores.prefetch import Prefetch, PrefetchUnit
from thumbclock.isa import Instruction, Kind
from thumbclock.isa.instruction import LR, PC, Memory
from thumbclock.profiles import CoreProfile

__all__ = ["CortexM4"]


class _Stage(StrEnum):
    """When a branch puts its target's address on the bus."""

    DECODE = "decode"
    EXECUTE = "execute"
    LOAD = "load"


class _State(NamedTuple):
    """Everything about the past that the next instruction can feel.

    Attributes:
        load_pending: The second cycle of a load is still owed; a neighbour may hide it.
        store_pending: The previous instruction was a single store, which delays a load by one.
        index_pending: The second cycle of a store with a register offset is still owed.
        indexed_base: Base register that the pending load wrote back, or -1.
        loaded: Registers that the pending load writes.
        computed: Registers that the previous instruction computed, which reach no address at once.
        links: The previous instruction wrote LR, which a BX LR in decode would need.
        narrow_before: The previous instruction was 16 bits wide, so an IT folds onto it.
        branch: How the branch behind which this state stands finds its target, should it be taken.
        refill: Cycles until the target of the branch taken can be decoded.
        fetch: The prefetch buffer in the last cycle of the previous instruction.
        fp_written: Floating-point registers that the previous FP instruction wrote.
        fp_busy: Cycles for which the divider still occupies the FPU.
    """

    load_pending: bool = False
    store_pending: bool = False
    index_pending: bool = False
    indexed_base: int = -1
    loaded: tuple[int, ...] = ()
    computed: tuple[int, ...] = ()
    links: bool = False
    narrow_before: bool = False
    branch: _Stage | None = None
    refill: int = 0
    fetch: Prefetch = Prefetch()
    fp_written: tuple[int, ...] = ()
    fp_busy: int = 0


# STREX is pipelined like a load: it brings its status back.
_SINGLE_LOADS = {Kind.LOAD, Kind.FP_LOAD, Kind.LOAD_EXCLUSIVE, Kind.STORE_EXCLUSIVE}
_SINGLE_STORES = {Kind.STORE, Kind.FP_STORE}
_PRODUCERS = {
    Kind.ALU, Kind.MOVE, Kind.SHIFT, Kind.MOVE_WIDE, Kind.BITFIELD, Kind.EXTEND, Kind.EXTEND_ADD,
    Kind.REVERSE, Kind.CLZ, Kind.PACK, Kind.DSP, Kind.MULTIPLY, Kind.MULTIPLY_ACCUMULATE,
    Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG,
}  # fmt: skip
_LISTS = {
    Kind.LOAD_MULTIPLE,
    Kind.STORE_MULTIPLE,
    Kind.LOAD_DUAL,
    Kind.STORE_DUAL,
    Kind.FP_LOAD_MULTIPLE,
    Kind.FP_STORE_MULTIPLE,
}
_NAMED = {
    Kind.FP_MULTIPLY_ACCUMULATE: "fp_multiply_accumulate_cycles",
    Kind.FP_FUSED: "fp_multiply_accumulate_cycles",
    Kind.BARRIER: "barrier_cycles",
    Kind.SYSTEM: "system_cycles",
    Kind.HINT: "hint_cycles",
    Kind.SUPERVISOR_CALL: "supervisor_call_cycles",
    Kind.BREAKPOINT: "breakpoint_cycles",
    Kind.TABLE_BRANCH: "table_branch_cycles",
}
_SINGLE_CYCLE = _PRODUCERS | {
    Kind.COMPARE, Kind.NOP, Kind.PRELOAD, Kind.BRANCH, Kind.FP_ADD, Kind.FP_COMPARE,
    Kind.FP_CONVERT, Kind.FP_MULTIPLY, Kind.FP_MOVE, Kind.FP_MOVE_IMMEDIATE, Kind.FP_STATUS,
    Kind.FP_TO_CORE, Kind.FP_FROM_CORE,
}  # fmt: skip


class CortexM4(PipelineModel):
    """The M4's pipeline."""

    charges_predication = True

    chains_indexed = True
    """Whether loads and stores that write their base back pipeline behind a load."""

    def __init__(self, core: CoreProfile) -> None:
        super().__init__(core)
        self._number = {name: core.number(name) for name in (*core.pipeline, *core.branch)}
        self.fetch_ahead_words = core.number("prefetch_words")
        self._prefetch = PrefetchUnit(self.fetch_ahead_words)

    def needs_execution(self, instruction: Instruction) -> bool:
        """Return whether the cost depends on an IT condition having passed.

        One cycle is what a single-cycle instruction costs whether it runs or not.
        """
        plain = instruction.kind in _PRODUCERS or instruction.kind in (Kind.COMPARE, Kind.NOP)
        return super().needs_execution(instruction) and not plain

    def initial_state(self) -> State:
        """Return the state of an idle pipeline."""
        return _State(fetch=self._prefetch.full())

    def stall(self, state: State, cycles: int) -> State:
        """Let loads, stores, register writes and the FPU go on while fetch waits."""
        assert isinstance(state, _State)
        if not cycles:
            return state
        return _State(
            branch=state.branch,
            refill=state.refill,
            fetch=state.fetch,
            fp_busy=max(0, state.fp_busy - cycles),
        )

    def redirect(self, state: State, edge: Edge) -> State:
        """Owe the refill of a taken branch; there is no predictor, so edges differ in direction."""
        assert isinstance(state, _State)
        if edge not in (Edge.TAKEN, Edge.TAKEN_MISPREDICTED):
            return state._replace(branch=None)
        refill = self._number[f"refill_{state.branch or _Stage.DECODE}_cycles"]
        return _State(refill=refill, fp_written=state.fp_written, fp_busy=state.fp_busy)

    def issue(self, state: State, instruction: Instruction, access: Access) -> Issue:
        """Issue one instruction; what its predecessor and the fetch owe is paid first."""
        assert isinstance(state, _State)
        self.require(instruction)
        stalls = self._owed(state, instruction, access)
        fetch, starved = self._fetched(state, instruction, _total(stalls))
        stalls.append(("branch_refill" if state.refill else "fetch", starved))
        own: list[tuple[str, int]] = []
        following = _State()
        if not access.executed and self.needs_execution(instruction):
            base = 1
        elif instruction.kind is Kind.IT:
            # It folds onto a 16-bit instruction that it is decoded with.
            base = 0 if state.narrow_before and not starved else 1
            following = state if not base + _total(stalls) else _State()
        else:
            base, own, following = self._execute(state, instruction, access)
        size, offset = instruction.size_bytes // 2, instruction.address >> 1 & 1
        if base:
            early = following.branch is _Stage.DECODE
            fetch = self._prefetch.take(fetch, size, offset, branches=early)
            held = base + _total(own) - 1
            fetch = self._prefetch.hold(fetch, held, (offset + size) % 2)
        else:
            fetch = fetch._replace(halfwords=fetch.halfwords - size)
        stalls += own
        cycles = base + _total(stalls)
        following = following._replace(
            fetch=fetch,
            narrow_before=instruction.is_narrow,
            links=LR in instruction.writes,
            fp_busy=max(following.fp_busy, state.fp_busy - cycles, 0),
        )
        return Issue(following, cycles, _merged(stalls))

    def _fetched(
        self, state: _State, instruction: Instruction, owed_cycles: int
    ) -> tuple[Prefetch, int]:
        """Return the buffer once it holds the instruction, and the cycles that the decoder starved.

        The decoder is held for ``owed_cycles`` before that, while the buffer fills.
        """
        offset, unit = instruction.address >> 1 & 1, self._prefetch
        if state.refill:
            fetch, starved = unit.refilled(offset), max(0, state.refill - owed_cycles)
        else:
            fetch, starved = unit.hold(state.fetch, owed_cycles, offset), 0
        while 2 * fetch.halfwords < instruction.size_bytes:
            fetch, starved = unit.starve(fetch, offset), starved + 1
        return fetch, starved

    def _owed(
        self, state: _State, instruction: Instruction, access: Access
    ) -> list[tuple[str, int]]:
        """Return the cycles that the predecessor left for this instruction to wait."""
        number = self._number
        owed: list[tuple[str, int]] = []
        memory = instruction.memory
        if state.load_pending and not self._hides_load(state, instruction, access):
            owed.append(("load", number["load_result_cycles"]))
        if state.index_pending and instruction.kind is not Kind.NOP:
            owed.append(("store_offset", number["store_register_offset_cycles"] - 1))
        if state.store_pending and memory is not None and memory.is_load:
            wait = number["store_before_load_cycles"] + access.turnaround_cycles
            owed.append(("store_to_load", wait))
        elif memory is not None and any(r in state.computed for r in memory.registers):
            owed.append(("address", number["address_interlock_cycles"]))
        if instruction.kind.value.startswith("fp_"):
            owed.extend(self._owed_by_fpu(state, instruction))
        return owed

    def _owed_by_fpu(self, state: _State, instruction: Instruction) -> list[tuple[str, int]]:
        owed = []
        if state.fp_busy:
            owed.append(("fp_busy", state.fp_busy))
        operands = {*instruction.reads} - {*instruction.accumulator} | {*instruction.factors}
        if operands & set(state.fp_written):
            owed.append(("fp_result", self._number["fp_result_cycles"]))
        return owed

    def _hides_load(self, state: _State, instruction: Instruction, access: Access) -> bool:
        """Return whether this instruction overlaps the pending load's second cycle."""
        if instruction.is_predicated and not access.executed:
            return False
        if instruction.kind is Kind.NOP:
            return True  # a load absorbs a following NOP
        memory = instruction.memory
        if memory is None or instruction.kind not in (_SINGLE_LOADS | _SINGLE_STORES):
            return False
        if PC in instruction.writes or memory.count > 1:
            return False
        if memory.writeback is not None and not self.chains_indexed:
            return False
        if any(register in state.loaded for register in memory.registers):
            return False  # the address waits for the load itself
        return memory.base != state.indexed_base  # indexed forms do not chain on one base

    def _execute(
        self, state: _State, instruction: Instruction, access: Access
    ) -> tuple[int, list[tuple[str, int]], _State]:
        """Return its own cycles, its own stalls, and the state behind it."""
        number, kind, memory = self._number, instruction.kind, instruction.memory
        stalls = self._memory_stalls(instruction, access) if memory is not None else []
        if memory is not None and kind is not Kind.TABLE_BRANCH and kind is not Kind.PRELOAD:
            base, following = self._transfer(instruction, memory)
            return base, stalls, following
        if kind is Kind.DIVIDE:
            return self.divide_cycles(access.quotient_bits), stalls, _State()
        if kind in (Kind.FP_DIVIDE, Kind.FP_SQRT):
            busy = number["fp_divide_cycles"] - 1
            return 1, stalls, _State(fp_busy=busy, fp_written=instruction.writes)
        following = _State()
        if kind in _PRODUCERS:
            following = _State(computed=instruction.writes)
        elif kind.value.startswith("fp_"):
            following = _State(fp_written=instruction.writes)
        if instruction.branch is not None:
            following = _State(branch=self._stage(state, instruction))
        elif instruction.mnemonic == "isb":
            following = _State(refill=number["refill_execute_cycles"])
        return self._own_cycles(instruction), stalls, following

    def _own_cycles(self, instruction: Instruction) -> int:
        """Return the cycles in execute of an instruction that is not a load, store or divide."""
        kind = instruction.kind
        if kind in _NAMED:
            return self._number[_NAMED[kind]]
        if kind not in _SINGLE_CYCLE:
            raise self.unpriced(instruction)
        if kind in (Kind.FP_TO_CORE, Kind.FP_FROM_CORE):
            return max(1, len(instruction.reads))  # one for each register of two
        return 1

    def _transfer(self, instruction: Instruction, memory: Memory) -> tuple[int, _State]:
        """Return the cycles of a load or store by itself and the state behind it."""
        kind, jumps = instruction.kind, PC in instruction.writes
        based = memory.base if memory.writeback is not None else -1
        if kind in _LISTS or memory.count > 1:
            return 1 + memory.count, _State(branch=_Stage.LOAD if jumps else None)
        if kind in _SINGLE_LOADS:
            if jumps:
                return 1 + self._number["load_result_cycles"], _State(branch=_Stage.LOAD)
            return 1, _State(load_pending=True, indexed_base=based, loaded=instruction.writes)
        if kind in _SINGLE_STORES:
            written = (based,) if based >= 0 else ()
            indexed = memory.index is not None
            return 1, _State(store_pending=True, index_pending=indexed, computed=written)
        raise self.unpriced(instruction)

    @staticmethod
    def _stage(state: _State, instruction: Instruction) -> _Stage:
        """Return when a branch puts its target on the bus (DDI 0337G, Table 15-3)."""
        if instruction.kind is Kind.TABLE_BRANCH:
            return _Stage.LOAD
        if instruction.target is not None:
            compares = instruction.mnemonic in ("cbz", "cbnz")
            return _Stage.EXECUTE if compares else _Stage.DECODE
        # BX LR and its like: decided in decode, unless LR is just being written.
        by_link = set(instruction.reads) == {LR}
        return _Stage.DECODE if by_link and not state.links else _Stage.EXECUTE

    def _memory_stalls(self, instruction: Instruction, access: Access) -> list[tuple[str, int]]:
        memory = instruction.memory
        assert memory is not None
        stalls = []
        wait = access.read_wait_cycles if memory.is_load else access.write_wait_cycles
        if wait:
            stalls.append(("memory_wait", wait * memory.count))
        if memory.size_bytes == 4 and access.address_low & 3:
            which = "unaligned_byte" if access.address_low & 1 else "unaligned_half"
            stalls.append(("unaligned", self._number[f"{which}_cycles"]))
        elif memory.size_bytes == 2 and access.address_low & 1:
            stalls.append(("unaligned", self._number["unaligned_half_cycles"]))
        return stalls


def _total(stalls: list[tuple[str, int]]) -> int:
    return sum(cycles for _, cycles in stalls)


def _merged(stalls: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return the stalls with one entry a reason, and none that are empty."""
    sums: dict[str, int] = {}
    for reason, cycles in stalls:
        sums[reason] = sums.get(reason, 0) + cycles
    return tuple((reason, cycles) for reason, cycles in sums.items() if cycles)
