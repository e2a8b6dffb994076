"""Cortex-M4: single issue, three stages, loads and stores that pipeline with their neighbours.

Sources: Arm DDI 0439 (timing tables) and measurements on STM32F4; each number, with its source,
is in ``profiles/cores/cortex-m4.toml``. The comments below name the rule that a line stands for.
"""

from typing import NamedTuple

from thumbclock.cores.model import Access, Edge, Issue, PipelineModel, State
from thumbclock.isa import Branch, Instruction, Kind
from thumbclock.isa.instruction import PC
from thumbclock.profiles import CoreProfile

__all__ = ["CortexM4"]


class _State(NamedTuple):
    """Everything about the past that the next instruction can feel.

    Attributes:
        load_pending: The second cycle of a load is still owed; a neighbour may hide it.
        store_pending: The previous instruction was a single store, which delays a load by one.
        indexed_base: Base register that the pending load or the store wrote back, or -1.
        loaded: Registers that the pending load writes.
        computed: Registers that the previous data-processing instruction wrote.
        narrow_before: The previous instruction was 16 bits wide, so an IT folds onto it.
        refill: A taken branch is owed its refill.
        fp_written: Floating-point registers that the previous FP instruction wrote.
        fp_busy: Cycles for which the divider still occupies the FPU.
    """

    load_pending: bool = False
    store_pending: bool = False
    indexed_base: int = -1
    loaded: tuple[int, ...] = ()
    computed: tuple[int, ...] = ()
    narrow_before: bool = False
    refill: str = ""
    fp_written: tuple[int, ...] = ()
    fp_busy: int = 0


_IDLE = _State()

_SINGLE_LOADS = {Kind.LOAD, Kind.FP_LOAD}
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
    Kind.LOAD_EXCLUSIVE: "exclusive_cycles",
    Kind.STORE_EXCLUSIVE: "exclusive_cycles",
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

    def __init__(self, core: CoreProfile) -> None:
        super().__init__(core)
        self._number = {name: core.number(name) for name in (*core.pipeline, *core.branch)}

    def needs_execution(self, instruction: Instruction) -> bool:
        """Return whether the cost depends on an IT condition having passed.

        One cycle is what a single-cycle instruction costs whether it runs or not.
        """
        plain = instruction.kind in _PRODUCERS or instruction.kind in (Kind.COMPARE, Kind.NOP)
        return super().needs_execution(instruction) and not plain

    def initial_state(self) -> State:
        """Return the state of an idle pipeline."""
        return _IDLE

    def stall(self, state: State, cycles: int) -> State:
        """Let the FPU go on while fetch waits."""
        assert isinstance(state, _State)
        return state._replace(fp_busy=max(0, state.fp_busy - cycles))

    def redirect(self, state: State, edge: Edge) -> State:
        """Owe the refill of a taken branch; there is no predictor, so edges differ in direction."""
        assert isinstance(state, _State)
        if edge in (Edge.TAKEN, Edge.TAKEN_MISPREDICTED):
            return state._replace(refill=state.refill or "direct", narrow_before=False)
        return state._replace(refill="")

    def issue(self, state: State, instruction: Instruction, access: Access) -> Issue:
        """Issue one instruction; the debts of its predecessor are paid first."""
        assert isinstance(state, _State)
        self.require(instruction)
        stalls = self._owed(state, instruction, access)
        if not access.executed and self.needs_execution(instruction):
            base, following = 1, _State(narrow_before=instruction.is_narrow)
        else:
            base, more, following = self._execute(state, instruction, access)
            stalls += more
        cycles = base + sum(count for _, count in stalls)
        fp_busy = max(following.fp_busy, state.fp_busy - cycles, 0)
        merged: dict[str, int] = {}
        for reason, count in stalls:
            merged[reason] = merged.get(reason, 0) + count
        counted = tuple((reason, count) for reason, count in merged.items() if count)
        return Issue(following._replace(fp_busy=fp_busy), cycles, counted)

    def _owed(
        self, state: _State, instruction: Instruction, access: Access
    ) -> list[tuple[str, int]]:
        """Return the cycles that the predecessor left for this instruction to wait."""
        number = self._number
        owed: list[tuple[str, int]] = []
        if state.refill:
            refill = number[f"refill_{state.refill}_cycles"]
            if instruction.size_bytes == 4 and instruction.address & 2:
                refill += number["refill_unaligned_wide_cycles"]
            owed.append(("branch_refill", refill))
        if state.load_pending and not self._hides_load(state, instruction, access):
            owed.append(("load", number["load_result_cycles"]))
        if state.store_pending and instruction.kind in (*_SINGLE_LOADS, Kind.LOAD_MULTIPLE):
            owed.append(("store_to_load", number["store_before_load_cycles"]))
        memory = instruction.memory
        if memory is not None and any(r in state.computed for r in memory.registers):
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
        if PC in instruction.writes:
            return False
        if any(register in state.loaded for register in memory.registers):
            return False  # the address waits for the load itself
        return memory.base != state.indexed_base  # indexed forms do not chain on one base

    def _execute(
        self, state: _State, instruction: Instruction, access: Access
    ) -> tuple[int, list[tuple[str, int]], _State]:
        """Return its own cycles, its own stalls, and the state behind it."""
        number, kind, memory = self._number, instruction.kind, instruction.memory
        following = _State(narrow_before=instruction.is_narrow)
        stalls: list[tuple[str, int]] = []
        if memory is not None:
            stalls = self._memory_stalls(instruction, access)
        if kind in _SINGLE_LOADS and memory is not None and memory.count == 1:
            if PC in instruction.writes:
                return 1 + number["load_result_cycles"], stalls, following._replace(refill="load")
            base_register = memory.base if memory.writeback is not None else -1
            return (
                1,
                stalls,
                following._replace(
                    load_pending=True, indexed_base=base_register, loaded=instruction.writes
                ),
            )
        if kind in _SINGLE_STORES and memory is not None and memory.count == 1:
            indexed = memory.index is not None
            return (
                1 + (number["store_register_offset_cycles"] - 1 if indexed else 0),
                stalls,
                (following._replace(store_pending=True)),
            )
        if kind in _LISTS or (memory is not None and memory.count > 1):
            assert memory is not None
            after = following._replace(refill="load") if PC in instruction.writes else following
            return 1 + memory.count, stalls, after
        if kind is Kind.IT:
            return (0 if state.narrow_before else 1), stalls, following
        if kind is Kind.DIVIDE:
            return self.divide_cycles(access.quotient_bits), stalls, following
        if kind in (Kind.FP_DIVIDE, Kind.FP_SQRT):
            busy = number["fp_divide_cycles"] - 1
            return 1, stalls, following._replace(fp_busy=busy, fp_written=instruction.writes)
        if kind not in _NAMED and kind not in _SINGLE_CYCLE:
            raise self.unpriced(instruction)
        cycles = number[_NAMED[kind]] if kind in _NAMED else 1
        if kind in (Kind.FP_TO_CORE, Kind.FP_FROM_CORE):
            cycles = max(1, len(instruction.reads))
        if kind in _PRODUCERS:
            following = following._replace(computed=instruction.writes)
        elif kind.value.startswith("fp_"):
            following = following._replace(fp_written=instruction.writes)
        if instruction.branch in (Branch.INDIRECT, Branch.RETURN, Branch.INDIRECT_CALL):
            following = following._replace(refill="indirect", computed=())
        elif instruction.branch is not None:
            following = following._replace(refill="")
        return cycles, stalls, following

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
