"""Cortex-M7: dual issue, in order, with an early and a late ALU.

Every issue cycle takes an older and, if the rules allow, a younger instruction. Operand timing is a
matrix: cycles from the issue of a producer to the earliest issue of a consumer, by what made the
value (late ALU, early ALU, load ...) and how it is used (late ALU, shifter, address ...). A latency
of 0 lets a dependent pair issue together. The matrix and all other numbers, with their sources, are
in ``profiles/cores/cortex-m7.toml``; most were measured on an STM32H743 by others, as Arm publishes
no cycle table for this core.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from thumbclock.cores.cortex_m7_plan import DSP, LISTS, MULTIPLIES, Maker, Plan, Use, make_plan
from thumbclock.cores.model import Access, Edge, Issue, PipelineModel, PredictorSizes, State
from thumbclock.isa import Instruction, Kind
from thumbclock.isa.instruction import FLAGS, Immediate, Register
from thumbclock.profiles import CoreProfile

__all__ = ["CortexM7"]


class _Value(NamedTuple):
    """A register in flight.

    Attributes:
        register: Its number.
        maker: What made it.
        age: Cycles since the issue of its producer.
        predicated: Whether an IT condition decides if the producer takes effect.
    """

    register: int
    maker: Maker
    age: int
    predicated: bool


class _Store(NamedTuple):
    """A store in flight: bytes from ``first`` to below ``end``, relative to a base register."""

    base: int
    first: int
    end: int
    age: int


class _Slot(NamedTuple):
    """The older instruction of the present cycle, as its possible partner sees it."""

    features: frozenset[str]
    bank: int


class _State(NamedTuple):
    """Everything about the past that the next instruction can feel.

    Attributes:
        slot: The older instruction, while a younger one may still join it.
        values: Registers in flight.
        stores: Stores in flight whose place is known by a base register.
        narrow: 16-bit instructions since the last taken branch, at most 2.
        ahead: 16-bit instructions since fetch last started anew, at most 2.
        refill: What the branch that just issued costs if it was mispredicted.
        redirect: Cycles owed for a mispredicted branch.
        fp_shadow: Cycles, the present one included, in which a multiply-accumulate restricts other
            FP instructions.
        fp_rounding: Cycles, the present one included, until a VFMA may follow a VMLA.
        drains: Cycles of work before the store buffer, for the even and the odd bank.
    """

    slot: _Slot | None = None
    values: tuple[_Value, ...] = ()
    stores: tuple[_Store, ...] = ()
    narrow: int = 0
    ahead: int = 0
    refill: int = 0
    redirect: int = 0
    fp_shadow: int = 0
    fp_rounding: int = 0
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
    store_to_load: int
    narrow_store_drain: int
    unaligned_store_drain: int
    store_buffer: int
    list_uncompressed: int
    store_list_unaligned: int
    fp_shadow: int
    fp_rounding: int


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
_SINGLE_CYCLE = DSP | MULTIPLIES | {
    Kind.ALU, Kind.MOVE, Kind.SHIFT, Kind.COMPARE, Kind.MOVE_WIDE, Kind.LOAD, Kind.STORE,
    Kind.PRELOAD, Kind.BRANCH, Kind.IT, Kind.NOP, Kind.FP_ADD, Kind.FP_COMPARE, Kind.FP_CONVERT,
    Kind.FP_MULTIPLY, Kind.FP_MULTIPLY_ACCUMULATE, Kind.FP_FUSED, Kind.FP_MOVE,
    Kind.FP_MOVE_IMMEDIATE, Kind.FP_TO_CORE, Kind.FP_FROM_CORE, Kind.FP_LOAD, Kind.FP_STORE,
}  # fmt: skip
# Stall reasons by how the awaited value is used.
_REASONS = {
    Use.ADDRESS: "address",
    Use.INDEX: "address",
    Use.SHIFTER: "shifter_operand",
    Use.FLAGS: "flags",
    Use.MULTIPLICAND: "multiplicand",
}
_LOADED = (Maker.LOAD_WORD, Maker.LOAD_NARROW, Maker.FP_LOAD)


class CortexM7(PipelineModel):
    """The M7's pipeline."""

    has_banked_loads = True
    feels_alignment = False

    def __init__(self, core: CoreProfile) -> None:
        super().__init__(core)
        number = core.number
        self._latency = {
            (maker, use): number(f"{maker}_to_{use}_cycles")
            for maker in Maker
            for use in Use
            if f"{maker}_to_{use}_cycles" in core.pipeline
        }
        flags_early = number("flags_early_age_cycles")
        self._lifetime = {
            maker: max(cycles for (made, _), cycles in self._latency.items() if made is maker)
            for maker in Maker
        }
        self._rules = _Rules(
            mispredict=number("mispredict_cycles"),
            mispredict_flags_early=number("mispredict_flags_early_cycles"),
            flags_early_age=flags_early,
            pairing_narrow=number("taken_pairing_narrow_instructions"),
            unaligned_older=number("unaligned_load_older_cycles"),
            unaligned_younger=number("unaligned_load_younger_cycles"),
            unaligned_shared_bank=number("unaligned_load_shared_bank_cycles"),
            store_to_load=number("store_to_load_cycles"),
            narrow_store_drain=number("narrow_store_drain_cycles"),
            unaligned_store_drain=number("unaligned_store_drain_cycles"),
            store_buffer=number("store_buffer_cycles"),
            list_uncompressed=number("list_uncompressed_cycles"),
            store_list_unaligned=number("store_list_unaligned_cycles"),
            fp_shadow=number("fp_mac_shadow_cycles"),
            fp_rounding=number("fp_chained_to_fused_cycles"),
        )
        self._predictor = PredictorSizes(
            history_bits=number("history_bits"),
            pattern_bits=number("pattern_index_bits"),
            target_entries=number("target_entries"),
            return_entries=number("return_stack_entries"),
            loop_entries=number("loop_entries"),
            longest_loop=number("longest_loop_rounds"),
        )
        self._prepared = lru_cache(maxsize=65536)(self._prepare)

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
        if edge in (Edge.NOT_TAKEN_MISPREDICTED, Edge.TAKEN_MISPREDICTED):
            return state._replace(slot=None, redirect=state.refill, refill=0, narrow=0, ahead=0)
        if edge is Edge.TAKEN:
            # A target that was loaded comes too late to issue beside its load.
            loaded = state.slot is not None and "load" in state.slot.features
            pairs = state.narrow >= self._rules.pairing_narrow and not loaded
            return state._replace(slot=state.slot if pairs else None, refill=0, narrow=0)
        return state._replace(refill=0)

    def issue(self, state: State, instruction: Instruction, access: Access) -> Issue:
        """Issue one instruction with its predecessor if the rules allow, else in a later cycle."""
        assert isinstance(state, _State)
        plan, busy = self._prepared(instruction)
        stalls: dict[str, int] = {}
        passed = 0
        if state.redirect:
            passed = state.redirect
            stalls["branch_mispredict"] = passed
            state = self._elapse(state, passed)._replace(redirect=0)
        bank = self._bank(instruction, access)
        joined = self._join(state, instruction, plan, bank)
        younger = joined is not None
        if joined is not None:
            state = joined
        else:
            earliest, reason = self._ready(state, instruction, plan)
            earliest, reason = self._resources(state, plan, max(1, earliest), reason)
            if earliest > 1:
                stalls[reason] = stalls.get(reason, 0) + earliest - 1
            passed += earliest
            state = self._elapse(state, earliest)
        early = not younger or self._shifts_early(state, plan)
        early = early and bool(plan.makes_early)
        early = early and self._operands(state, plan.early_uses, matches=False)[0] <= 0
        makes = plan.makes_early if early else plan.makes
        extra = self._extra(state, instruction, access, bank, younger, stalls)
        after = self._after(state, instruction, plan, makes, bank, younger, access)
        if busy + extra > 0:
            after = self._elapse(after, busy + extra)
        return Issue(after, passed + busy + extra, tuple(sorted(stalls.items())))

    def narrowed(self, instructions: Sequence[Instruction]) -> Callable[[State], State]:
        """Forget registers in flight that are there for every way in which these use them."""
        plans = [self._prepared(instruction)[0] for instruction in instructions]
        made = {value for plan in plans for value in (*plan.makes, *plan.makes_early)}
        lives = dict.fromkeys(made, 0)
        for plan in plans:
            for register, use in (*plan.uses, *(plan.early_uses if plan.makes_early else ())):
                for value in made:
                    if value[0] == register:
                        lives[value] = max(lives[value], self._latest(value[1], use))

        def narrow(state: State) -> State:
            assert isinstance(state, _State)
            kept = tuple(
                v
                for v in state.values
                if v.register == FLAGS or v.age < lives.get((v.register, v.maker), 0) + v.predicated
            )
            return state if len(kept) == len(state.values) else state._replace(values=kept)

        return narrow

    def _latest(self, maker: Maker, use: Use) -> int:
        """Return the latency of a value, also where the late ALU makes it after all."""
        makers = (maker, Maker.LATE_ALU) if maker is Maker.EARLY_ALU else (maker,)
        return max(self._latency_of(m, use) for m in makers)

    # What an instruction occupies.

    def _prepare(self, instruction: Instruction) -> tuple[Plan, int]:
        """Return its plan, and the cycles that it blocks beyond that of its issue."""
        self.require(instruction)
        busy = 0 if instruction.kind is Kind.DIVIDE else self._busy(instruction) - 1
        return make_plan(instruction), busy

    def _busy(self, instruction: Instruction) -> int:
        number, kind, memory = self.core.number, instruction.kind, instruction.memory
        if memory is not None and (kind in LISTS or memory.count > 1):
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

    def _ready(self, state: _State, instruction: Instruction, plan: Plan) -> tuple[int, str]:
        """Return the first cycle, relative to now, at which all that it reads is there, and why."""
        earliest, reason = self._operands(state, plan.uses, matches="predicated" in plan.features)
        return self._behind_stores(state, instruction, earliest, reason)

    def _operands(
        self, state: _State, uses: tuple[tuple[int, Use], ...], *, matches: bool
    ) -> tuple[int, str]:
        """Return the first cycle at which registers can be used, ``matches`` in an IT block."""
        earliest, reason = 0, "operand"
        for register, use in uses:
            for value in state.values:
                if value.register == register:
                    ready = self._latency_of(value.maker, use) - value.age
                    # An IT condition is known late, unless the consumer waits for it as well.
                    ready += value.predicated and not matches
                    if ready > earliest:
                        earliest, reason = ready, _REASONS.get(use, "operand")
                        if value.maker in _LOADED and use not in (Use.ADDRESS, Use.INDEX):
                            reason = "load_use"
        return earliest, reason

    def _latency_of(self, maker: Maker, use: Use) -> int:
        latency = self._latency.get((maker, use))
        if latency is None:
            return self._latency[maker, Use.ADDRESS if use is Use.INDEX else Use.ALU]
        return latency

    @staticmethod
    def _yield_shifter(state: _State) -> _State:
        """Run the older slot's shift late, as its partner takes the early shifter."""
        if state.slot is None or "shift" not in state.slot.features:
            return state
        values = tuple(
            v._replace(maker=Maker.LATE_ALU) if v.maker is Maker.EARLY_ALU and v.age == 0 else v
            for v in state.values
        )
        return state._replace(values=values)

    def _behind_stores(
        self, state: _State, instruction: Instruction, earliest: int, reason: str
    ) -> tuple[int, str]:
        """Delay a load of what a store in flight writes."""
        memory = instruction.memory
        if memory is None or not memory.is_load or memory.index is not None:
            return earliest, reason
        first, end = memory.offset, memory.offset + memory.count * memory.size_bytes
        for store in state.stores:
            overlaps = store.base == memory.base and store.first < end and first < store.end
            if overlaps and self._rules.store_to_load - store.age > earliest:
                earliest, reason = self._rules.store_to_load - store.age, "store_to_load"
        return earliest, reason

    def _elapse(self, state: _State, cycles: int) -> _State:
        values = tuple(
            value._replace(age=value.age + cycles)
            for value in state.values
            if value.age + cycles < self._lives(value)
        )
        stores = tuple(
            store._replace(age=store.age + cycles)
            for store in state.stores
            if store.age + cycles < self._rules.store_to_load
        )
        return state._replace(
            slot=None,
            values=values,
            stores=stores,
            fp_shadow=max(0, state.fp_shadow - cycles),
            fp_rounding=max(0, state.fp_rounding - cycles),
            drains=(max(0, state.drains[0] - cycles), max(0, state.drains[1] - cycles)),
        )

    def _lives(self, value: _Value) -> int:
        """Return the age at which a value has reached all its uses."""
        lives = self._lifetime[value.maker] + value.predicated
        return max(lives, self._rules.flags_early_age) if value.register == FLAGS else lives

    # Pairing.

    def _join(
        self, state: _State, instruction: Instruction, plan: Plan, bank: int
    ) -> _State | None:
        """Return the state in which it issues as the younger, None where it cannot."""
        if state.slot is None:
            return None
        if "shifter" in plan.features:
            state = self._yield_shifter(state)
        earliest, _ = self._ready(state, instruction, plan)
        return state if earliest <= 0 and self._pairs(state, plan, bank) else None

    def _pairs(self, state: _State, plan: Plan, bank: int) -> bool:
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
    def _shifts_early(state: _State, plan: Plan) -> bool:
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
        if "fp_immediate" in younger and "fp_immediate" in older:
            return False
        if "fp_fused" in younger and state.fp_rounding:
            return False
        return not ("fp_shadowed" in younger and state.fp_shadow)

    def _resources(self, state: _State, plan: Plan, earliest: int, reason: str) -> tuple[int, str]:
        """Return the first cycle at which the units that it needs are free."""
        if "fp_shadowed" in plan.features and state.fp_shadow > earliest:
            return state.fp_shadow, "fp_busy"
        if "fp_fused" in plan.features and state.fp_rounding > earliest:
            return state.fp_rounding, "fp_busy"
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
        if instruction.kind in LISTS and state.ahead < rules.pairing_narrow:
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
        plan: Plan,
        makes: tuple[tuple[int, Maker], ...],
        bank: int,
        younger: bool,
        access: Access,
    ) -> _State:
        written = {register for register, _ in makes}
        kept = (value for value in state.values if value.register not in written)
        predicated = "predicated" in plan.features
        made = (_Value(register, maker, 0, predicated) for register, maker in makes)
        open_slot = not younger and "alone" not in plan.features and bank != 2
        slot = None
        if open_slot:
            slot = _Slot(plan.features, bank if "load" in plan.features else 0)
        # The cycle of the multiply-accumulate itself, and those behind it.
        shadow = 1 + self._rules.fp_shadow if "fp_mac" in plan.features else state.fp_shadow
        rounding = self._rules.fp_rounding if "fp_chained" in plan.features else state.fp_rounding
        return _State(
            slot=slot,
            values=tuple(sorted((*kept, *made))),
            stores=self._stores(state, instruction, access),
            narrow=min(2, state.narrow + instruction.is_narrow),
            ahead=min(2, state.ahead + instruction.is_narrow),
            refill=self._refill(state, plan) if "branch" in plan.features else 0,
            fp_shadow=shadow,
            fp_rounding=rounding,
            drains=self._drains(state, instruction, access, bank),
        )

    def _refill(self, state: _State, plan: Plan) -> int:
        """Return what a branch costs if it was mispredicted: less where it was decided early."""
        ages = [value.age for value in state.values if value.register == FLAGS]
        known = not ages or ages[0] >= self._rules.flags_early_age
        if known and "conditional" in plan.features:
            return self._rules.mispredict_flags_early
        return self._rules.mispredict

    @staticmethod
    def _stores(state: _State, instruction: Instruction, access: Access) -> tuple[_Store, ...]:
        """Return the stores in flight, relative to the base registers as they are now."""
        memory = instruction.memory
        stores = state.stores
        if memory is not None and not memory.is_load and memory.index is None and access.executed:
            end = memory.offset + memory.count * memory.size_bytes
            stores = (*stores, _Store(memory.base, memory.offset, end, 0))
        if not stores:
            return ()
        kept = []
        for store in stores:
            moves = store.base in instruction.writes and access.executed
            step = _step(instruction, store.base) if moves else 0
            if step is not None:
                kept.append(store._replace(first=store.first - step, end=store.end - step))
        return tuple(kept)


def _step(instruction: Instruction, register: int) -> int | None:
    """Return what an instruction adds to a register that it writes, None where that is unknown."""
    memory = instruction.memory
    if memory is not None:
        return memory.writeback if register == memory.base else None
    *sources, last = instruction.operands
    own = all(isinstance(s, Register) and s.number == register for s in sources)
    if instruction.is_predicated or not own or not isinstance(last, Immediate):
        return None
    if instruction.mnemonic in ("add", "addw"):
        return last.value
    return -last.value if instruction.mnemonic in ("sub", "subw") else None
