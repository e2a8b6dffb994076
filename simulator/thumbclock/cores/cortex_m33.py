"""Cortex-M33: in order, three stages, two 16-bit instructions a cycle in a few combinations.

Simple operations end in the second stage; multiplies, DSP operations and shifted operands go on to
the third, and their results come a cycle later. Branches are resolved in the second stage, without
a predictor. The second of a pair is nearly always a branch or an IT. Arm publishes no cycle table
for this core: the rules follow measurements on an RP2350 by others. The numbers, each with its
source, are in ``profiles/cores/cortex-m33.toml``.
"""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from thumbclock.cores.model import Access, Edge, Issue, PipelineModel, State
from thumbclock.isa import Branch, Instruction, Kind
from thumbclock.isa.instruction import FLAGS, FPSCR, LR, PC, SINGLE_0, Operand2
from thumbclock.profiles import CoreProfile

__all__ = ["CortexM33"]


class _Maker(StrEnum):
    """What made a value: the rows of the latency matrix. Others are ready in the next cycle."""

    LATE = "late"
    DSP = "dsp"
    LOAD = "load"
    FP = "fp"
    FP_MAC = "fp_mac"
    FP_FROM_PAIR = "fp_from_pair"
    FP_TO_CORE = "fp_to_core"


class _Use(StrEnum):
    """How a value is used: the columns of the latency matrix."""

    ALU = "alu"
    STORE = "store"
    ACCUMULATOR = "accumulator"
    EXTEND_ACCUMULATOR = "extend_accumulator"
    BRANCH = "branch"
    TRANSFER = "transfer"
    FP = "fp"
    FP_ACCUMULATOR = "fp_accumulator"
    FP_OUT = "fp_out"


class _Plan(NamedTuple):
    """What the rules need of an instruction, worked out once.

    Attributes:
        uses: Registers that it reads, and how.
        makes: Registers whose values the next cycle cannot use everywhere.
        busy: Cycles for which it holds the pipeline, divides aside.
        may_follow: It can issue beside an older instruction that is no NOP.
        may_follow_nop: It can issue beside an older NOP.
        decides_on: Registers that decide whether it branches, or where to.
    """

    uses: tuple[tuple[int, _Use], ...]
    makes: tuple[tuple[int, _Maker], ...]
    busy: int
    may_follow: bool
    may_follow_nop: bool
    decides_on: tuple[int, ...]


class _Slot(NamedTuple):
    """The older, 16-bit instruction of the present cycle, as its possible partner sees it."""

    is_nop: bool
    writes: tuple[int, ...]


class _State(NamedTuple):
    """Everything about the past that the next instruction can feel.

    Attributes:
        slot: The older instruction of the present cycle, while a younger one may still join it.
        values: Registers in flight: number, what made it, cycles since its issue.
        refill: Cycles owed for a taken branch.
        fp_blocked: Cycles, the present one included, in which the FPU takes no instruction.
    """

    slot: _Slot | None = None
    values: tuple[tuple[int, _Maker, int], ...] = ()
    refill: int = 0
    fp_blocked: int = 0


_LATE = {
    Kind.EXTEND_ADD, Kind.MULTIPLY, Kind.MULTIPLY_ACCUMULATE, Kind.MULTIPLY_LONG,
    Kind.MULTIPLY_ACCUMULATE_LONG,
}  # fmt: skip
_DSP = {Kind.DSP, Kind.PACK}
_LOADS = {
    Kind.LOAD,
    Kind.LOAD_DUAL,
    Kind.LOAD_MULTIPLE,
    Kind.LOAD_EXCLUSIVE,
    Kind.STORE_EXCLUSIVE,
}
_SHIFTED = {Operand2.SHIFTED_CONSTANT, Operand2.SHIFTED_REGISTER}
_FP_MAC = {Kind.FP_MULTIPLY_ACCUMULATE, Kind.FP_FUSED}
_FP_SLOW = {Kind.FP_DIVIDE, Kind.FP_SQRT}
_FP_ARITHMETIC = {
    Kind.FP_ADD, Kind.FP_COMPARE, Kind.FP_CONVERT, Kind.FP_MULTIPLY, *_FP_MAC, *_FP_SLOW,
}  # fmt: skip
_BUSY = {
    Kind.LOAD_EXCLUSIVE: "exclusive_cycles",
    Kind.STORE_EXCLUSIVE: "exclusive_cycles",
    Kind.BARRIER: "barrier_cycles",
    Kind.SYSTEM: "system_cycles",
    Kind.HINT: "hint_cycles",
    Kind.SUPERVISOR_CALL: "supervisor_call_cycles",
    Kind.BREAKPOINT: "breakpoint_cycles",
}
_SINGLE_CYCLE = _LATE | _DSP | _FP_ARITHMETIC | {
    Kind.ALU, Kind.MOVE, Kind.SHIFT, Kind.COMPARE, Kind.MOVE_WIDE, Kind.BITFIELD, Kind.EXTEND,
    Kind.REVERSE, Kind.CLZ, Kind.DIVIDE, Kind.PRELOAD, Kind.BRANCH, Kind.IT, Kind.NOP,
    Kind.FP_MOVE, Kind.FP_MOVE_IMMEDIATE, Kind.FP_FROM_CORE, Kind.FP_STATUS,
}  # fmt: skip
_LOADED = (_Maker.LOAD, _Maker.FP_TO_CORE)
_DECIDING = (*range(8), LR, FLAGS)
"""What a 16-bit branch can depend on, apart from rare BX and BLX of r8 to r12."""


class CortexM33(PipelineModel):
    """The M33's pipeline."""

    charges_predication = True

    def __init__(self, core: CoreProfile) -> None:
        super().__init__(core)
        self._number = {name: core.number(name) for name in (*core.pipeline, *core.branch)}
        self._latency = {
            (maker, use): self._number.get(
                f"{maker}_to_{use}_cycles", self._number[f"{maker}_result_cycles"]
            )
            for maker in _Maker
            for use in _Use
        }
        self._longest = {maker: max(self._latency[maker, use] for use in _Use) for maker in _Maker}
        self._plan = lru_cache(maxsize=65536)(self._make_plan)

    def initial_state(self) -> State:
        """Return the state of an idle pipeline."""
        return _State()

    def stall(self, state: State, cycles: int) -> State:
        """Let values ripen while fetch waits."""
        assert isinstance(state, _State)
        return self._elapse(state, cycles)

    def redirect(self, state: State, edge: Edge) -> State:
        """Owe the refill of a taken branch; there is no predictor, so edges differ in direction."""
        assert isinstance(state, _State)
        taken = edge in (Edge.TAKEN, Edge.TAKEN_MISPREDICTED)
        return state if taken else state._replace(refill=0)

    def issue(self, state: State, instruction: Instruction, access: Access) -> Issue:
        """Issue one instruction, beside its predecessor if the rules allow."""
        assert isinstance(state, _State)
        plan = self._plan(instruction)
        runs = access.executed or not self.needs_execution(instruction)
        passed, stalls = 0, list[tuple[str, int]]()
        # Behind a taken branch the second halfword of a word comes alone: no partner is there yet.
        alone = state.refill > 0 and instruction.address & 2 > 0
        if state.refill:
            passed = self._refill(state, instruction)
            stalls.append(("branch_refill", passed))
            state = self._elapse(state, passed)._replace(refill=0)
        older = state.slot
        pairs = older is not None and self._pairs(state, plan)
        early = False
        if not pairs:
            wait, reason, early = self._wait(state, instruction, plan, runs)
            stalls.append((reason, wait))
            passed += 1 + wait
            state = self._elapse(state, 1 + wait)
        if runs:
            own, more = self._own(instruction, plan, access)
            stalls += more
        else:
            own = 0
        after = self._after(state, instruction, plan, own, early=early) if runs else state
        after = self._elapse(after, own) if own else after
        slot = None if pairs or alone else self._slot(instruction)
        refill = self._owed(instruction, older if pairs else None)
        after = self._close(after, slot, refill)
        return Issue(after, passed + own, _merged(stalls))

    # The plan of an instruction.

    def _make_plan(self, instruction: Instruction) -> _Plan:
        self.require(instruction)
        kind, narrow = instruction.kind, instruction.is_narrow
        branches = instruction.branch is not None and kind is Kind.BRANCH
        return _Plan(
            uses=tuple(self._uses(instruction)),
            makes=tuple(self._makes(instruction)),
            busy=self._busy(instruction),
            may_follow=narrow and (branches or kind is Kind.IT),
            may_follow_nop=narrow and kind not in _BUSY and instruction.branch is None,
            decides_on=instruction.reads if branches else (),
        )

    def _uses(self, instruction: Instruction) -> list[tuple[int, _Use]]:
        stored, adds = instruction.stored, instruction.accumulator
        uses = []
        for register in instruction.reads:
            if register == PC:
                continue
            if register in stored and register not in self._addresses(instruction):
                use = _Use.FP_OUT if register >= SINGLE_0 else _Use.STORE
            elif register in adds and register not in instruction.factors:
                use = _Use.FP_ACCUMULATOR if register >= SINGLE_0 else _Use.ACCUMULATOR
            else:
                use = self._plain_use(instruction, register)
            uses.append((register, use))
        return uses

    @staticmethod
    def _addresses(instruction: Instruction) -> tuple[int, ...]:
        return () if instruction.memory is None else instruction.memory.registers

    @staticmethod
    def _plain_use(instruction: Instruction, register: int) -> _Use:
        kind = instruction.kind
        if kind is Kind.EXTEND_ADD and register not in instruction.early:
            return _Use.EXTEND_ACCUMULATOR
        if kind is Kind.BRANCH and register <= LR:
            return _Use.BRANCH
        if kind is Kind.FP_FROM_CORE:
            return _Use.TRANSFER
        if register >= SINGLE_0 or register == FPSCR:
            return _Use.FP if kind in _FP_ARITHMETIC else _Use.FP_OUT
        return _Use.ALU

    def _makes(self, instruction: Instruction) -> list[tuple[int, _Maker]]:
        kind, memory = instruction.kind, instruction.memory
        late_flags = instruction.operand2 is Operand2.SHIFTED_REGISTER
        maker = self._maker(instruction)
        made = []
        for register in instruction.writes:
            is_base = memory is not None and memory.writeback is not None
            if register == PC or (is_base and memory is not None and register == memory.base):
                continue
            if register == FLAGS and not late_flags:
                continue
            if maker is not None:
                made.append((register, maker))
        if kind in _LOADS and memory is not None and memory.count > 1:
            made = made[-1:]  # one register a cycle: the others are there
        return made

    @staticmethod
    def _maker(instruction: Instruction) -> _Maker | None:
        kind = instruction.kind
        if kind in _LOADS:
            return _Maker.LOAD
        if kind in _DSP:
            return _Maker.DSP
        if kind in _LATE:
            # With its flags the multiply holds the pipeline until the product is there.
            return None if instruction.sets_flags else _Maker.LATE
        if instruction.operand2 in _SHIFTED and kind is not Kind.MOVE:
            holds = instruction.operand2 is Operand2.SHIFTED_CONSTANT and instruction.sets_flags
            return None if holds else _Maker.LATE
        if kind in _FP_MAC:
            return _Maker.FP_MAC
        if kind in _FP_ARITHMETIC:
            return _Maker.FP
        if kind is Kind.FP_FROM_CORE and len(instruction.writes) > 1:
            return _Maker.FP_FROM_PAIR
        if kind is Kind.FP_TO_CORE and len(instruction.writes) == 1:
            return _Maker.FP_TO_CORE
        return None

    def _busy(self, instruction: Instruction) -> int:
        kind, memory, number = instruction.kind, instruction.memory, self._number
        if kind in _BUSY:
            return number[_BUSY[kind]]
        if memory is not None:
            return memory.count
        if kind is Kind.FP_TO_CORE:
            return len(instruction.writes)
        if kind not in _SINGLE_CYCLE:
            raise self.unpriced(instruction)
        late = kind is Kind.MULTIPLY or (
            kind is not Kind.MOVE and instruction.operand2 is Operand2.SHIFTED_CONSTANT
        )
        return number["late_flags_cycles"] if late and instruction.sets_flags else 1

    # Issue.

    def _pairs(self, state: _State, plan: _Plan) -> bool:
        """Return whether this may be the younger instruction beside the state's older one."""
        assert state.slot is not None
        if state.slot.is_nop and plan.may_follow_nop:
            return self._operands(state, plan)[0] <= 0
        if not plan.may_follow:
            return False
        made_now = [r for r in plan.decides_on if r != FLAGS and r in state.slot.writes]
        return not made_now and self._operands(state, plan)[0] <= 0

    def _wait(
        self, state: _State, instruction: Instruction, plan: _Plan, runs: bool
    ) -> tuple[int, str, bool]:
        """Return the cycles to wait beyond the next, why, and whether the FPU takes it early."""
        if not runs:
            # As a NOP, once its condition is known.
            return max(0, self._ready(state, FLAGS, _Use.ALU) - 1), "flags", False
        operands, reason = self._operands(state, plan)
        operands -= 1
        early = operands > 0 and self._can_be_early(state, instruction, plan)
        wait = max(0, operands - early)
        if instruction.kind.value.startswith("fp_") and state.fp_blocked - 1 > wait:
            return state.fp_blocked - 1, "fp_busy", state.fp_blocked - 1 < operands
        return wait, reason, early

    def _operands(self, state: _State, plan: _Plan) -> tuple[int, str]:
        """Return the first cycle from now at which all operands can be used, and why so late."""
        earliest, reason = 0, "operand"
        if not state.values:
            return earliest, reason
        for register, use in plan.uses:
            for number, maker, age in state.values:
                ready = self._latency[maker, use] - age
                if number == register and ready > earliest:
                    earliest = ready
                    reason = "load_use" if maker in _LOADED else "operand"
        return earliest, reason

    def _ready(self, state: _State, register: int, use: _Use) -> int:
        found = [self._latency[maker, use] - age for r, maker, age in state.values if r == register]
        return max(found, default=0)

    def _can_be_early(self, state: _State, instruction: Instruction, plan: _Plan) -> bool:
        """Return whether the FPU may take it a cycle before its last operand is there."""
        if instruction.kind not in _FP_ARITHMETIC:
            return False
        late = self._operands(state, plan)[0]
        last = [
            (maker, use)
            for register, use in plan.uses
            for number, maker, age in state.values
            if number == register and self._latency[maker, use] - age == late
        ]
        # Neither an accumulator nor a pair from the core can be the one that is late.
        return all(use is _Use.FP and maker is not _Maker.FP_FROM_PAIR for maker, use in last)

    def _refill(self, state: _State, instruction: Instruction) -> int:
        refill = state.refill
        if instruction.size_bytes == 4 and instruction.address & 2:
            refill += self._number["refill_unaligned_wide_cycles"]
        return refill

    def _own(
        self, instruction: Instruction, plan: _Plan, access: Access
    ) -> tuple[int, list[tuple[str, int]]]:
        """Return the cycles that it takes beyond its first, and those of them that are stalls."""
        kind, memory = instruction.kind, instruction.memory
        if kind is Kind.DIVIDE:
            busy = self.divide_cycles(access.quotient_bits) - 1
            return busy, [("divide", busy)]
        if memory is None:
            return plan.busy - 1, []
        stalls = []
        wait = access.read_wait_cycles if memory.is_load else access.write_wait_cycles
        if wait:
            stalls.append(("memory_wait", wait * memory.count))
        if access.address_low & (min(memory.size_bytes, 4) - 1):
            byte = memory.size_bytes == 4 and access.address_low & 1
            name = "unaligned_byte_cycles" if byte else "unaligned_half_cycles"
            stalls.append(("unaligned", self._number[name]))
        return plan.busy - 1 + sum(count for _, count in stalls), stalls

    # The state behind an instruction.

    def _elapse(self, state: _State, cycles: int) -> _State:
        values = tuple(
            (register, maker, age + cycles)
            for register, maker, age in state.values
            if age + cycles < self._longest[maker]
        )
        return _State(None, values, state.refill, max(0, state.fp_blocked - cycles))

    def _after(
        self,
        state: _State,
        instruction: Instruction,
        plan: _Plan,
        own: int,
        *,
        early: bool,
    ) -> _State:
        """Return the state in the cycle of its issue."""
        written = instruction.writes
        values = [value for value in state.values if value[0] not in written]
        # A list ends with its last register; what the FPU took early starts a cycle later.
        values += [(register, maker, -own - early) for register, maker in plan.makes]
        blocked = state.fp_blocked
        if instruction.kind in _FP_MAC:
            blocked = 1 + self._number["fp_mac_shadow_cycles"]
        elif instruction.kind in _FP_SLOW:
            blocked = self._number["fp_divide_cycles"]
        elif instruction.kind in _FP_ARITHMETIC:
            blocked = 1
        return state._replace(values=tuple(sorted(values)), fp_blocked=blocked + early)

    @staticmethod
    def _slot(instruction: Instruction) -> _Slot | None:
        """Return what a younger instruction may join, nothing where none may."""
        closed = instruction.kind in (Kind.IT, *_BUSY) or instruction.branch is not None
        if closed or not instruction.is_narrow:
            return None
        writes = tuple(r for r in instruction.writes if r in _DECIDING)
        return _Slot(instruction.kind is Kind.NOP, writes)

    def _close(self, state: _State, slot: _Slot | None, refill: int) -> _State:
        """Return the state that the next instruction meets, without what it cannot feel."""
        kept = state.values
        if slot is None:
            # Only a younger instruction asks for operands in the present cycle.
            kept = tuple(v for v in kept if v[2] + 1 < self._longest[v[1]])
        return _State(slot, kept, refill, state.fp_blocked)

    def _owed(self, instruction: Instruction, older: _Slot | None) -> int:
        """Return the refill that this branch would owe if taken, none for other instructions."""
        number = self._number
        if instruction.branch is None:
            return 0
        if instruction.kind is Kind.TABLE_BRANCH:
            return number["refill_table_cycles"]
        if instruction.kind is not Kind.BRANCH and instruction.memory is not None:
            return number["refill_load_cycles"]
        flags_now = (
            instruction.branch is Branch.CONDITIONAL
            and older is not None
            and FLAGS in instruction.reads
            and FLAGS in older.writes
        )
        return number["refill_cycles"] + (number["refill_flags_cycles"] if flags_now else 0)


def _merged(stalls: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    merged: dict[str, int] = {}
    for reason, count in stalls:
        if count:
            merged[reason] = merged.get(reason, 0) + count
    return tuple(sorted(merged.items()))
