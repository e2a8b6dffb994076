"""Cortex-M7: dual issue, in order, with an early and a late ALU.

Every issue cycle takes an older and, if the rules allow, a younger instruction. Operand timing is a
matrix: cycles from the issue of a producer to the earliest issue of a consumer, by what made the
value (late ALU, early ALU, load ...) and how it is used (late ALU, shifter, address ...). A latency
of 0 lets a dependent pair issue together. The matrix and all other numbers, with their sources, are
in ``profiles/cores/cortex-m7.toml``; most were measured on an STM32H743 by others, as Arm publishes
no cycle table for this core.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from thumbclock.cores.model import Access, Edge, Issue, PipelineModel, PredictorSizes, State
from thumbclock.isa import Instruction, Kind
from thumbclock.isa.instruction import FLAGS, FPSCR, PC, Operand2
from thumbclock.profiles import CoreProfile

__all__ = ["CortexM7"]


class _Maker(StrEnum):
    """What made a value: the rows of the latency matrix."""

    EARLY_ALU = "early_alu"
    REVERSE = "reverse"
    LATE_ALU = "late_alu"
    DSP = "dsp"
    MULTIPLY = "multiply"
    LOAD_WORD = "load_word"
    LOAD_NARROW = "load_narrow"
    ADDRESS = "writeback"
    FP_ADD = "fp_add"
    FP_FUSED = "fp_fused"
    FP_MULTIPLY_ACCUMULATE = "fp_mla"
    FP_LOAD = "fp_load"
    FP_MOVE = "fp_move"


class _Use(StrEnum):
    """How a value is used: the columns of the latency matrix."""

    ALU = "alu"
    SHIFTER = "shifter"
    ADDRESS = "address"
    MULTIPLICAND = "multiplicand"
    ACCUMULATOR = "accumulator"
    STORE = "store"
    FLAGS = "flags"
    FP = "fp"
    FP_MULTIPLICAND = "fp_multiplicand"
    FP_ACCUMULATOR = "fp_accumulator"
    FP_STORE = "fp_store"
    FP_TO_CORE = "fp_to_core"


class _Plan(NamedTuple):
    """What the rules need of an instruction, worked out once."""

    uses: tuple[tuple[int, _Use], ...]
    makes: tuple[tuple[int, _Maker], ...]
    makes_early: tuple[tuple[int, _Maker], ...]
    early_uses: tuple[tuple[int, _Use], ...]
    features: frozenset[str]
    busy: int


class _Slot(NamedTuple):
    """The older instruction of the present cycle, as its possible partner sees it."""

    features: frozenset[str]
    bank: int


class _State(NamedTuple):
    """Everything about the past that the next instruction can feel.

    Attributes:
        slot: The older instruction, while a younger one may still join it.
        values: Registers in flight: number, what made it, cycles since its issue.
        narrow: 16-bit instructions since the last taken branch, at most 2.
        redirect: Cycles owed for a mispredicted branch.
        fp_shadow: Cycles, the present one included, in which a multiply-accumulate restricts other
            FP instructions.
        drains: Cycles of work before the store buffer, for the even and the odd bank.
    """

    slot: _Slot | None = None
    values: tuple[tuple[int, _Maker, int], ...] = ()
    narrow: int = 0
    redirect: int = 0
    fp_shadow: int = 0
    drains: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class _Rules:
    """The numbers that the rules use, read once."""

    mispredict: int
    mispredict_flags_early: int
    flags_early_age: int
    pairing_narrow: int
    unaligned_older: int
    unaligned_younger: int
    unaligned_shared_bank: int
    narrow_store_drain: int
    unaligned_store_drain: int
    store_buffer: int
    list_uncompressed: int
    store_list_unaligned: int
    fp_shadow: int


_LISTS = {
    Kind.LOAD_MULTIPLE,
    Kind.STORE_MULTIPLE,
    Kind.LOAD_DUAL,
    Kind.STORE_DUAL,
    Kind.FP_LOAD_MULTIPLE,
    Kind.FP_STORE_MULTIPLE,
}
_MULTIPLIES = {
    Kind.MULTIPLY,
    Kind.MULTIPLY_ACCUMULATE,
    Kind.MULTIPLY_LONG,
    Kind.MULTIPLY_ACCUMULATE_LONG,
}
_DSP = {
    Kind.BITFIELD, Kind.EXTEND, Kind.EXTEND_ADD, Kind.REVERSE, Kind.CLZ, Kind.PACK, Kind.DSP,
}  # fmt: skip
_SHIFTER_DSP = {"bfi", "bfc", "sbfx", "ubfx"}
_FP_ARITHMETIC = {
    Kind.FP_ADD, Kind.FP_COMPARE, Kind.FP_CONVERT, Kind.FP_MULTIPLY, Kind.FP_MULTIPLY_ACCUMULATE,
    Kind.FP_FUSED, Kind.FP_DIVIDE, Kind.FP_SQRT,
}  # fmt: skip
_FP_MAC = {Kind.FP_MULTIPLY_ACCUMULATE, Kind.FP_FUSED}
_BUSY = {
    Kind.LOAD_EXCLUSIVE: "exclusive",
    Kind.STORE_EXCLUSIVE: "exclusive",
    Kind.BARRIER: "barrier",
    Kind.SYSTEM: "system",
    Kind.HINT: "hint",
    Kind.SUPERVISOR_CALL: "supervisor_call",
    Kind.BREAKPOINT: "breakpoint",
    Kind.TABLE_BRANCH: "table_branch",
    Kind.FP_STATUS: "fp_status",
}
_DOUBLE_BUSY = {
    Kind.FP_ADD: "double_add",
    Kind.FP_COMPARE: "double_add",
    Kind.FP_CONVERT: "double_add",
    Kind.FP_MULTIPLY: "double_multiply",
    Kind.FP_MULTIPLY_ACCUMULATE: "double_mla",
    Kind.FP_FUSED: "double_fused",
    Kind.FP_DIVIDE: "double_divide",
    Kind.FP_SQRT: "double_sqrt",
}
_SINGLE_CYCLE = _DSP | _MULTIPLIES | {
    Kind.ALU, Kind.MOVE, Kind.SHIFT, Kind.COMPARE, Kind.MOVE_WIDE, Kind.LOAD, Kind.STORE,
    Kind.PRELOAD, Kind.BRANCH, Kind.IT, Kind.NOP, Kind.FP_ADD, Kind.FP_COMPARE, Kind.FP_CONVERT,
    Kind.FP_MULTIPLY, Kind.FP_MULTIPLY_ACCUMULATE, Kind.FP_FUSED, Kind.FP_MOVE,
    Kind.FP_MOVE_IMMEDIATE, Kind.FP_TO_CORE, Kind.FP_FROM_CORE, Kind.FP_LOAD, Kind.FP_STORE,
}  # fmt: skip
# Stall reasons by how the awaited value is used.
_REASONS = {
    _Use.ADDRESS: "address",
    _Use.SHIFTER: "shifter_operand",
    _Use.FLAGS: "flags",
    _Use.MULTIPLICAND: "multiplicand",
}
_LOADED = (_Maker.LOAD_WORD, _Maker.LOAD_NARROW, _Maker.FP_LOAD)


class CortexM7(PipelineModel):
    """The M7's pipeline."""

    has_banked_loads = True

    def __init__(self, core: CoreProfile) -> None:
        super().__init__(core)
        number = core.number
        self._latency = {
            (maker, use): number(f"{maker}_to_{use}_cycles")
            for maker in _Maker
            for use in _Use
            if f"{maker}_to_{use}_cycles" in core.pipeline
        }
        self._longest = max(self._latency.values())
        self._rules = _Rules(
            mispredict=number("mispredict_cycles"),
            mispredict_flags_early=number("mispredict_flags_early_cycles"),
            flags_early_age=number("flags_early_age_cycles"),
            pairing_narrow=number("taken_pairing_narrow_instructions"),
            unaligned_older=number("unaligned_load_older_cycles"),
            unaligned_younger=number("unaligned_load_younger_cycles"),
            unaligned_shared_bank=number("unaligned_load_shared_bank_cycles"),
            narrow_store_drain=number("narrow_store_drain_cycles"),
            unaligned_store_drain=number("unaligned_store_drain_cycles"),
            store_buffer=number("store_buffer_cycles"),
            list_uncompressed=number("list_uncompressed_cycles"),
            store_list_unaligned=number("store_list_unaligned_cycles"),
            fp_shadow=number("fp_mac_shadow_cycles"),
        )
        self._predictor = PredictorSizes(
            history_bits=number("history_bits"),
            pattern_bits=number("pattern_index_bits"),
            target_entries=number("target_entries"),
            return_entries=number("return_stack_entries"),
            loop_entries=number("loop_entries"),
            longest_loop=number("longest_loop_rounds"),
        )
        self._plan = lru_cache(maxsize=65536)(self._make_plan)

    @property
    def predictor(self) -> PredictorSizes:
        """The branch predictor's sizes."""
        return self._predictor

    def initial_state(self) -> State:
        """Return the state of an idle pipeline."""
        return _State()

    def stall(self, state: State, cycles: int) -> State:
        """Let values ripen and stores drain while fetch waits."""
        assert isinstance(state, _State)
        return self._elapse(state, cycles)

    def redirect(self, state: State, edge: Edge) -> State:
        """Close the cycle, or owe the refill, as the predictor had it."""
        assert isinstance(state, _State)
        rules = self._rules
        if edge in (Edge.NOT_TAKEN_MISPREDICTED, Edge.TAKEN_MISPREDICTED):
            ages = [age for register, _, age in state.values if register == FLAGS]
            early = not ages or ages[0] >= rules.flags_early_age
            penalty = rules.mispredict_flags_early if early else rules.mispredict
            return state._replace(slot=None, redirect=penalty, narrow=0)
        if edge is Edge.TAKEN:
            # A target that was loaded comes too late to issue beside its load.
            loaded = state.slot is not None and "load" in state.slot.features
            pairs = state.narrow >= rules.pairing_narrow and not loaded
            return state._replace(slot=state.slot if pairs else None, narrow=0)
        return state

    def issue(self, state: State, instruction: Instruction, access: Access) -> Issue:
        """Issue one instruction with its predecessor if the rules allow, else in a later cycle."""
        assert isinstance(state, _State)
        plan = self._plan(instruction)
        stalls: dict[str, int] = {}
        passed = 0
        if state.redirect:
            passed = state.redirect
            stalls["branch_mispredict"] = passed
            state = self._elapse(state, passed)._replace(redirect=0)
        bank = self._bank(instruction, access)
        earliest, reason = self._earliest(state, plan)
        younger = earliest <= 0 and state.slot is not None and self._pairs(state, plan, bank)
        if not younger:
            earliest, reason = self._resources(state, plan, max(1, earliest), reason)
            if earliest > 1:
                stalls[reason] = stalls.get(reason, 0) + earliest - 1
            passed += earliest
            state = self._elapse(state, earliest)
        early = not younger or self._shifts_early(state, plan)
        early = (
            early and bool(plan.makes_early) and self._earliest_of(state, plan.early_uses)[0] <= 0
        )
        makes = plan.makes_early if early else plan.makes
        extra = self._extra(state, instruction, access, bank, younger, stalls)
        after = self._after(state, instruction, plan, makes, bank, younger, access)
        if plan.busy + extra > 0:
            after = self._elapse(after, plan.busy + extra)
        return Issue(after, passed + plan.busy + extra, tuple(sorted(stalls.items())))

    # The plan of an instruction: what it uses, makes and forbids.

    def _make_plan(self, instruction: Instruction) -> _Plan:
        self.require(instruction)
        kind = instruction.kind
        return _Plan(
            uses=self._uses(instruction),
            makes=self._makes(instruction),
            makes_early=self._makes_early(instruction),
            early_uses=tuple((r, _Use.SHIFTER) for r in instruction.reads if r not in (PC, FLAGS)),
            features=self._features(instruction),
            busy=self._busy(instruction) - 1 if kind is not Kind.DIVIDE else 0,
        )

    def _uses(self, instruction: Instruction) -> tuple[tuple[int, _Use], ...]:
        uses: list[tuple[int, _Use]] = []
        kind, memory = instruction.kind, instruction.memory
        for register in instruction.reads:
            if register == PC:
                continue
            if register in (FLAGS, FPSCR):
                # The branch itself waits for nothing: a wrong guess is paid by its refill.
                if instruction.branch is None or instruction.in_it_block:
                    uses.append((register, _Use.FLAGS))
            elif memory is not None and register in memory.registers:
                uses.append((register, _Use.ADDRESS))
            elif register in instruction.stored:
                uses.append((register, _Use.FP_STORE if register >= 32 else _Use.STORE))
            elif register in instruction.accumulator:
                fp = register >= 32
                uses.append((register, _Use.FP_ACCUMULATOR if fp else _Use.ACCUMULATOR))
            elif register in instruction.early:
                uses.append((register, _Use.SHIFTER))
            elif kind in _MULTIPLIES:
                uses.append((register, _Use.MULTIPLICAND))
            elif register >= 32:
                uses.append((register, self._fp_use(kind)))
            else:
                uses.append((register, _Use.ALU))
        stored_address = [r for r in instruction.stored if memory and r in memory.registers]
        uses += [(r, _Use.STORE) for r in stored_address]
        factor = _Use.FP_MULTIPLICAND if kind in _FP_MAC else _Use.MULTIPLICAND
        both = [r for r in instruction.accumulator if r in instruction.factors]
        return tuple(uses + [(r, factor) for r in both])

    @staticmethod
    def _fp_use(kind: Kind) -> _Use:
        if kind in _FP_MAC:
            return _Use.FP_MULTIPLICAND
        return _Use.FP_TO_CORE if kind is Kind.FP_TO_CORE else _Use.FP

    def _makes(self, instruction: Instruction) -> tuple[tuple[int, _Maker], ...]:
        memory = instruction.memory
        made = []
        for register in instruction.writes:
            if register == PC:
                continue
            if memory is not None and memory.writeback is not None and register == memory.base:
                made.append((register, _Maker.ADDRESS))
            elif register in (FLAGS, FPSCR):
                made.append((register, _Maker.LATE_ALU))
            else:
                made.append((register, self._maker(instruction)))
        return tuple(made)

    @staticmethod
    def _maker(instruction: Instruction) -> _Maker:
        kind, memory = instruction.kind, instruction.memory
        if memory is not None:
            if kind in (Kind.FP_LOAD, Kind.FP_LOAD_MULTIPLE):
                return _Maker.FP_LOAD
            return _Maker.LOAD_WORD if memory.size_bytes == 4 else _Maker.LOAD_NARROW
        if kind is Kind.REVERSE:
            return _Maker.REVERSE
        if kind in _DSP:
            return _Maker.DSP
        if kind in _MULTIPLIES:
            return _Maker.MULTIPLY
        match kind:
            case Kind.FP_FUSED:
                return _Maker.FP_FUSED
            case Kind.FP_MULTIPLY_ACCUMULATE:
                return _Maker.FP_MULTIPLY_ACCUMULATE
            case Kind.FP_MOVE | Kind.FP_MOVE_IMMEDIATE | Kind.FP_FROM_CORE:
                return _Maker.FP_MOVE
            case Kind.FP_TO_CORE:
                return _Maker.LATE_ALU
        return _Maker.FP_ADD if kind.value.startswith("fp_") else _Maker.LATE_ALU

    def _makes_early(self, instruction: Instruction) -> tuple[tuple[int, _Maker], ...]:
        """Return what the early ALU would make of it, nothing where only the late one can."""
        constant = instruction.operand2 in (
            Operand2.NONE,
            Operand2.SIMPLE_CONSTANT,
            Operand2.PATTERN_CONSTANT,
        )
        can = (
            instruction.mnemonic in ("add", "addw", "sub", "subw", "mov", "movw") and constant
        ) or (instruction.kind is Kind.SHIFT and instruction.mnemonic != "rrx")
        if not can or instruction.is_predicated:
            return ()
        return tuple(
            (r, _Maker.LATE_ALU if r == FLAGS else _Maker.EARLY_ALU)
            for r in instruction.writes
            if r != PC
        )

    def _features(self, instruction: Instruction) -> frozenset[str]:
        kind, memory = instruction.kind, instruction.memory
        found = set()
        if kind in _LISTS or kind in _BUSY or kind is Kind.DIVIDE:
            found.add("alone")
        if memory is not None and memory.count > 1:
            found.add("alone")
        if kind in (Kind.FP_TO_CORE, Kind.FP_FROM_CORE) and len(instruction.writes) > 1:
            found.add("alone")
        if kind is Kind.FP_TO_CORE and len(instruction.reads) > 1:
            found.add("alone")
        if kind in _MULTIPLIES:
            found.add("multiply")
        if kind in _DSP:
            found.add("dsp")
        if kind in (Kind.EXTEND_ADD, Kind.PACK, Kind.REVERSE) or (
            instruction.mnemonic in _SHIFTER_DSP
        ):
            found.add("shifter")
        if kind is Kind.SHIFT:
            found.add("shift")
        if instruction.operand2 in (Operand2.SHIFTED_CONSTANT, Operand2.SHIFTED_REGISTER):
            found.update(("shifted", "shifter"))
        if memory is not None and "alone" not in found:
            found.add("load" if memory.is_load else "store")
        if instruction.branch is not None:
            found.add("branch")
        if kind is Kind.IT:
            found.add("it")
        if kind in _FP_ARITHMETIC:
            found.add("fp_arithmetic")
        if kind in _FP_MAC:
            found.add("fp_mac")
        if kind in (Kind.FP_LOAD, Kind.FP_STORE, Kind.FP_MOVE, Kind.FP_TO_CORE, Kind.FP_FROM_CORE):
            found.add("fp_transfer")
        if kind in (Kind.FP_ADD, Kind.FP_MOVE_IMMEDIATE, Kind.FP_LOAD_MULTIPLE) or (
            kind is Kind.FP_STORE_MULTIPLE
            or (instruction.is_double and kind in (Kind.FP_LOAD, Kind.FP_STORE))
        ):
            found.add("fp_shadowed")
        return frozenset(found)

    def _busy(self, instruction: Instruction) -> int:
        number, kind, memory = self.core.number, instruction.kind, instruction.memory
        if memory is not None and (kind in _LISTS or memory.count > 1):
            return -(-memory.count // 2)
        if kind in _BUSY:
            return number(f"{_BUSY[kind]}_cycles")
        if kind in (Kind.FP_DIVIDE, Kind.FP_SQRT) and not instruction.is_double:
            return number("fp_divide_cycles" if kind is Kind.FP_DIVIDE else "fp_sqrt_cycles")
        if instruction.is_double and kind in _DOUBLE_BUSY:
            return number(f"{_DOUBLE_BUSY[kind]}_cycles")
        if kind not in _SINGLE_CYCLE:
            raise self.unpriced(instruction)
        return 1

    # Operand timing.

    def _earliest(self, state: _State, plan: _Plan) -> tuple[int, str]:
        return self._earliest_of(state, plan.uses)

    def _earliest_of(self, state: _State, uses: tuple[tuple[int, _Use], ...]) -> tuple[int, str]:
        """Return the first cycle, relative to now, at which all values can be used, and why."""
        earliest, reason = 0, "operand"
        if not state.values or not uses:
            return earliest, reason
        for register, use in uses:
            for number, maker, age in state.values:
                if number == register:
                    ready = self._latency_of(maker, use) - age
                    if ready > earliest:
                        earliest = ready
                        reason = _REASONS.get(use, "operand")
                        if maker in _LOADED and use is not _Use.ADDRESS:
                            reason = "load_use"
        return earliest, reason

    def _latency_of(self, maker: _Maker, use: _Use) -> int:
        latency = self._latency.get((maker, use))
        return self._latency[maker, _Use.ALU] if latency is None else latency

    def _elapse(self, state: _State, cycles: int) -> _State:
        values = tuple(
            (register, maker, age + cycles)
            for register, maker, age in state.values
            if age + cycles < self._longest
        )
        drains = state.drains
        if drains != (0, 0):
            drains = (max(0, drains[0] - cycles), max(0, drains[1] - cycles))
        return state._replace(
            slot=None,
            values=values,
            drains=drains,
            fp_shadow=max(0, state.fp_shadow - cycles) if state.fp_shadow else 0,
        )

    # Pairing.

    def _pairs(self, state: _State, plan: _Plan, bank: int) -> bool:
        """Return whether this may be the younger instruction beside the state's older one."""
        assert state.slot is not None
        older, younger = state.slot.features, plan.features
        if "alone" in younger or "dsp" in younger:
            return False  # bitfield and DSP instructions issue from the older slot only
        if "multiply" in younger and ("multiply" in older or "store" in older):
            return False
        if "store" in younger and ("store" in older or "multiply" in older):
            return False
        if "shifted" in younger and "shifter" in older:
            return False
        if "branch" in younger and "branch" in older:
            return False
        if "it" in younger and "branch" in older:
            return False
        if "load" in younger and "load" in older and bank == state.slot.bank:
            return False
        return self._fp_pairs(state, older, younger)

    @staticmethod
    def _shifts_early(state: _State, plan: _Plan) -> bool:
        """Return whether a younger instruction is a shift, and has the early shifter to itself."""
        assert state.slot is not None
        return "shift" in plan.features and "shifter" not in state.slot.features

    @staticmethod
    def _fp_pairs(state: _State, older: frozenset[str], younger: frozenset[str]) -> bool:
        if "fp_arithmetic" in younger and "fp_arithmetic" in older:
            return False
        if "fp_transfer" in younger and ("fp_mac" in older or state.fp_shadow):
            return False
        if "fp_mac" in younger and "fp_transfer" in older:
            return False
        return not ("fp_shadowed" in younger and state.fp_shadow)

    def _resources(self, state: _State, plan: _Plan, earliest: int, reason: str) -> tuple[int, str]:
        """Return the first cycle at which the units that it needs are free."""
        if "fp_shadowed" in plan.features and state.fp_shadow > earliest:
            return state.fp_shadow, "fp_busy"
        return earliest, reason

    # Memory.

    @staticmethod
    def _bank(instruction: Instruction, access: Access) -> int:
        """Return the 32-bit bank of a single aligned access, 2 for an unaligned one."""
        memory = instruction.memory
        if memory is None or memory.count > 1:
            return 0
        if access.address_low & (memory.size_bytes - 1) and access.executed:
            return 2
        return access.address_low >> 2 & 1 if access.data_banks > 1 else 0

    def _extra(
        self,
        state: _State,
        instruction: Instruction,
        access: Access,
        bank: int,
        younger: bool,
        stalls: dict[str, int],
    ) -> int:
        """Return the cycles for which it blocks the pipeline, noting the reasons in ``stalls``."""
        rules, memory = self._rules, instruction.memory
        if instruction.kind is Kind.DIVIDE:
            busy = self.divide_cycles(access.quotient_bits) - 1 if access.executed else 0
            if busy:
                stalls["divide"] = busy
            return busy
        if memory is None or not access.executed:
            return 0
        found: dict[str, int] = {}
        if memory.is_load:
            found["memory_wait"] = access.read_wait_cycles * -(-memory.count // 2)
            if bank == 2:
                found["unaligned"] = self._unaligned(state, access, younger)
        if instruction.kind in _LISTS and state.narrow < rules.pairing_narrow:
            found["list"] = rules.list_uncompressed
        even_list = memory.count > 1 and memory.count % 2 == 0
        if even_list and not memory.is_load and access.address_low & 4:
            found["list"] = found.get("list", 0) + rules.store_list_unaligned
        if not memory.is_load:
            found["store_buffer"] = max(0, max(state.drains) - rules.store_buffer)
        for reason, count in found.items():
            if count:
                stalls[reason] = stalls.get(reason, 0) + count
        return sum(found.values())

    def _unaligned(self, state: _State, access: Access, younger: bool) -> int:
        rules = self._rules
        if not younger:
            return rules.unaligned_older
        assert state.slot is not None
        shared = "load" in state.slot.features and state.slot.bank == access.address_low >> 2 & 1
        return rules.unaligned_younger - (rules.unaligned_shared_bank if shared else 0)

    def _drains(
        self, state: _State, instruction: Instruction, access: Access, bank: int
    ) -> tuple[int, int]:
        """Return the store buffer's work after this instruction."""
        memory = instruction.memory
        even, odd = state.drains
        if memory is None or memory.is_load or not access.executed:
            return even, odd
        wait = access.write_wait_cycles * memory.count
        if bank == 2:
            work = self._rules.unaligned_store_drain + wait
            return even + work, odd + work
        if memory.size_bytes < 4:
            work = self._rules.narrow_store_drain
            even, odd = (even + work, odd) if bank == 0 else (even, odd + work)
        return even + wait, odd + wait

    # The state behind an instruction.

    def _after(
        self,
        state: _State,
        instruction: Instruction,
        plan: _Plan,
        makes: tuple[tuple[int, _Maker], ...],
        bank: int,
        younger: bool,
        access: Access,
    ) -> _State:
        written = {register for register, _ in makes}
        kept = tuple(value for value in state.values if value[0] not in written)
        values = tuple(sorted((*kept, *((r, maker, 0) for r, maker in makes))))
        open_slot = not younger and "alone" not in plan.features and bank != 2
        slot = None
        if open_slot:
            slot = _Slot(plan.features, bank if "load" in plan.features else 0)
        # The cycle of the multiply-accumulate itself, and those behind it.
        shadow = 1 + self._rules.fp_shadow if "fp_mac" in plan.features else state.fp_shadow
        return _State(
            slot=slot,
            values=values,
            narrow=min(2, state.narrow + instruction.is_narrow),
            redirect=0,
            fp_shadow=shadow,
            drains=self._drains(state, instruction, access, bank),
        )
