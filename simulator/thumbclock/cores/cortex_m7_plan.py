"""What the Cortex-M7's issue rules need of an instruction, worked out once for each.

``Maker`` and ``Use`` are the rows and columns of the latency matrix in
``profiles/cores/cortex-m7.toml``; ``features`` are what the pairing rules speak of.
"""

from enum import StrEnum
from typing import NamedTuple

from thumbclock.isa import Branch, Instruction, Kind
from thumbclock.isa.instruction import FLAGS, FPSCR, PC, Operand2

__all__ = ["DSP", "LISTS", "MULTIPLIES", "Maker", "Plan", "Use", "make_plan"]


class Maker(StrEnum):
    """What made a value: the rows of the latency matrix."""

    EARLY_ALU = "early_alu"
    REVERSE = "reverse"
    LATE_ALU = "late_alu"
    DSP = "dsp"
    SATURATE = "saturate"
    MULTIPLY = "multiply"
    LOAD_WORD = "load_word"
    LOAD_NARROW = "load_narrow"
    ADDRESS = "writeback"
    FP_ADD = "fp_add"
    FP_FUSED = "fp_fused"
    FP_MULTIPLY_ACCUMULATE = "fp_mla"
    FP_LOAD = "fp_load"
    FP_MOVE = "fp_move"


class Use(StrEnum):
    """How a value is used: the columns of the latency matrix."""

    ALU = "alu"
    BESIDE_SHIFTER = "beside_shifter"
    SHIFTER = "shifter"
    ADDRESS = "address"
    INDEX = "index"
    MULTIPLICAND = "multiplicand"
    ACCUMULATOR = "accumulator"
    STORE = "store"
    FLAGS = "flags"
    CORE_TO_FP = "core_to_fp"
    FP = "fp"
    FP_MULTIPLICAND = "fp_multiplicand"
    FP_ACCUMULATOR = "fp_accumulator"
    FP_CHAINED_ACCUMULATOR = "fp_chained_accumulator"
    FP_STORE = "fp_store"
    FP_TO_CORE = "fp_to_core"


class Plan(NamedTuple):
    """What the rules need of an instruction.

    Attributes:
        uses: Registers that it reads, and how.
        makes: Registers that it writes, and what makes them.
        makes_early: The same where the early ALU runs it; empty where only the late one can.
        early_uses: What it reads where the early ALU runs it.
        features: What the pairing rules speak of.
    """

    uses: tuple[tuple[int, Use], ...]
    makes: tuple[tuple[int, Maker], ...]
    makes_early: tuple[tuple[int, Maker], ...]
    early_uses: tuple[tuple[int, Use], ...]
    features: frozenset[str]


LISTS = {
    Kind.LOAD_MULTIPLE, Kind.STORE_MULTIPLE, Kind.LOAD_DUAL, Kind.STORE_DUAL,
    Kind.FP_LOAD_MULTIPLE, Kind.FP_STORE_MULTIPLE,
}  # fmt: skip
"""Accesses to several registers, which issue alone."""

_ALONE = LISTS | {
    Kind.LOAD_EXCLUSIVE, Kind.STORE_EXCLUSIVE, Kind.BARRIER, Kind.SYSTEM, Kind.HINT,
    Kind.SUPERVISOR_CALL, Kind.BREAKPOINT, Kind.TABLE_BRANCH, Kind.FP_STATUS, Kind.DIVIDE,
}  # fmt: skip
MULTIPLIES = {
    Kind.MULTIPLY, Kind.MULTIPLY_ACCUMULATE, Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG,
}  # fmt: skip
"""Instructions of the multiply pipe."""

DSP = {
    Kind.BITFIELD, Kind.EXTEND, Kind.EXTEND_ADD, Kind.REVERSE, Kind.CLZ, Kind.PACK, Kind.DSP,
}  # fmt: skip
"""Instructions of the older slot's bitfield and DSP unit."""

_SHIFTER_DSP = {"bfi", "bfc", "sbfx", "ubfx"}
_SATURATING = ("q", "uq", "ssat", "usat", "usad")
_EARLY_SATURATING = ("ssat", "usat", "qdadd", "qdsub")
_FP_ARITHMETIC = {
    Kind.FP_ADD, Kind.FP_COMPARE, Kind.FP_CONVERT, Kind.FP_MULTIPLY, Kind.FP_MULTIPLY_ACCUMULATE,
    Kind.FP_FUSED, Kind.FP_DIVIDE, Kind.FP_SQRT,
}  # fmt: skip
_FP_MAC = {Kind.FP_MULTIPLY_ACCUMULATE, Kind.FP_FUSED}
_FP_TRANSFERS = {
    Kind.FP_LOAD, Kind.FP_STORE, Kind.FP_MOVE, Kind.FP_TO_CORE, Kind.FP_FROM_CORE,
}  # fmt: skip
_MAKERS = {
    Kind.REVERSE: Maker.REVERSE,
    Kind.FP_FUSED: Maker.FP_FUSED,
    Kind.FP_MULTIPLY_ACCUMULATE: Maker.FP_MULTIPLY_ACCUMULATE,
    Kind.FP_MOVE: Maker.FP_MOVE,
    Kind.FP_MOVE_IMMEDIATE: Maker.FP_MOVE,
    Kind.FP_FROM_CORE: Maker.FP_MOVE,
    Kind.FP_TO_CORE: Maker.LATE_ALU,
}


def make_plan(instruction: Instruction) -> Plan:
    """Work out the plan of an instruction."""
    return Plan(
        uses=_uses(instruction),
        makes=_makes(instruction),
        makes_early=_makes_early(instruction),
        early_uses=tuple((r, Use.SHIFTER) for r in instruction.reads if r not in (PC, FLAGS)),
        features=frozenset((*_core_features(instruction), *_fp_features(instruction))),
    )


def _uses(instruction: Instruction) -> tuple[tuple[int, Use], ...]:
    memory = instruction.memory
    uses = [(r, _use(instruction, r)) for r in instruction.reads if _awaits(instruction, r)]
    # Some registers are read twice, in different stages.
    uses += [(r, Use.STORE) for r in instruction.stored if memory and r in memory.registers]
    factor = Use.FP_MULTIPLICAND if instruction.kind in _FP_MAC else Use.MULTIPLICAND
    return tuple(uses + [(r, factor) for r in instruction.accumulator if r in instruction.factors])


def _awaits(instruction: Instruction, register: int) -> bool:
    if register in (FLAGS, FPSCR):
        # The branch itself waits for nothing: a wrong guess is paid by its refill.
        return instruction.branch is None or instruction.in_it_block
    return register != PC


def _use(instruction: Instruction, register: int) -> Use:
    kind, memory = instruction.kind, instruction.memory
    is_fp = register >= 32
    if register in (FLAGS, FPSCR):
        return Use.FLAGS
    if memory is not None and register == memory.index:
        return Use.INDEX
    if memory is not None and register == memory.base:
        return Use.ADDRESS
    if register in instruction.stored:
        return Use.FP_STORE if is_fp else Use.STORE
    if register in instruction.accumulator:
        return _fp_accumulator(kind) if is_fp else Use.ACCUMULATOR
    if register in instruction.early or instruction.mnemonic.startswith(_EARLY_SATURATING):
        return Use.SHIFTER
    if kind in MULTIPLIES or kind is Kind.DIVIDE:
        return Use.MULTIPLICAND
    if is_fp:
        return _fp_use(kind)
    if kind is Kind.FP_FROM_CORE:
        return Use.CORE_TO_FP
    return Use.BESIDE_SHIFTER if instruction.early else Use.ALU


def _fp_accumulator(kind: Kind) -> Use:
    # VMLA multiplies and rounds first, and so reads what it adds to a cycle later than VFMA.
    return Use.FP_ACCUMULATOR if kind is Kind.FP_FUSED else Use.FP_CHAINED_ACCUMULATOR


def _fp_use(kind: Kind) -> Use:
    if kind in _FP_MAC:
        return Use.FP_MULTIPLICAND
    return Use.FP_TO_CORE if kind is Kind.FP_TO_CORE else Use.FP


def _makes(instruction: Instruction) -> tuple[tuple[int, Maker], ...]:
    memory = instruction.memory
    made = []
    for register in instruction.writes:
        if register == PC:
            continue
        if memory is not None and memory.writeback is not None and register == memory.base:
            made.append((register, Maker.ADDRESS))
        elif register in (FLAGS, FPSCR):
            made.append((register, Maker.LATE_ALU))
        else:
            made.append((register, _maker(instruction)))
    return tuple(made)


def _maker(instruction: Instruction) -> Maker:
    kind, memory = instruction.kind, instruction.memory
    if memory is not None:
        if kind in (Kind.FP_LOAD, Kind.FP_LOAD_MULTIPLE):
            return Maker.FP_LOAD
        return Maker.LOAD_WORD if memory.size_bytes == 4 else Maker.LOAD_NARROW
    if kind in MULTIPLIES:
        return Maker.MULTIPLY
    if kind is Kind.DSP and instruction.mnemonic.startswith(_SATURATING):
        return Maker.SATURATE
    if kind in _MAKERS:
        return _MAKERS[kind]
    if kind in DSP:
        return Maker.DSP
    return Maker.FP_ADD if kind.value.startswith("fp_") else Maker.LATE_ALU


def _makes_early(instruction: Instruction) -> tuple[tuple[int, Maker], ...]:
    constant = instruction.operand2 in (
        Operand2.NONE, Operand2.SIMPLE_CONSTANT, Operand2.PATTERN_CONSTANT,
    )  # fmt: skip
    adds = instruction.mnemonic in ("add", "addw", "sub", "subw", "mov", "movw") and constant
    shifts = instruction.kind is Kind.SHIFT and instruction.mnemonic != "rrx"
    if instruction.is_predicated or not (adds or shifts):
        return ()
    return tuple(
        (r, Maker.LATE_ALU if r == FLAGS else Maker.EARLY_ALU)
        for r in instruction.writes
        if r != PC
    )


def _core_features(instruction: Instruction) -> set[str]:
    kind, memory = instruction.kind, instruction.memory
    shifted = instruction.operand2 in (Operand2.SHIFTED_CONSTANT, Operand2.SHIFTED_REGISTER)
    extracts = kind in (Kind.EXTEND_ADD, Kind.PACK, Kind.REVERSE)
    found = {
        "multiply": kind in MULTIPLIES,
        "dsp": kind in DSP,
        "shift": kind is Kind.SHIFT,
        "shifted": shifted,
        "shifter": shifted or extracts or instruction.mnemonic in _SHIFTER_DSP,
        "branch": instruction.branch is not None,
        "conditional": instruction.branch is Branch.CONDITIONAL and FLAGS in instruction.reads,
        "it": kind is Kind.IT,
        "predicated": instruction.is_predicated,
    }
    if kind in _ALONE or (memory is not None and memory.count > 1) or _moves_two(instruction):
        found["alone"] = True
    elif memory is not None:
        found["load" if memory.is_load else "store"] = True
    return {feature for feature, has in found.items() if has}


def _moves_two(instruction: Instruction) -> bool:
    """Return whether it moves two registers from or to the FPU."""
    if instruction.kind is Kind.FP_TO_CORE:
        return len(instruction.writes) > 1 or len(instruction.reads) > 1
    return instruction.kind is Kind.FP_FROM_CORE and len(instruction.writes) > 1


def _fp_features(instruction: Instruction) -> set[str]:
    kind = instruction.kind
    is_double_access = instruction.is_double and kind in (Kind.FP_LOAD, Kind.FP_STORE)
    shadowed = {
        Kind.FP_ADD, Kind.FP_MOVE_IMMEDIATE, Kind.FP_LOAD_MULTIPLE, Kind.FP_STORE_MULTIPLE,
    }  # fmt: skip
    found = {
        "fp_arithmetic": kind in _FP_ARITHMETIC,
        "fp_mac": kind in _FP_MAC,
        "fp_transfer": kind in _FP_TRANSFERS,
        "fp_fused": kind is Kind.FP_FUSED,
        "fp_chained": kind is Kind.FP_MULTIPLY_ACCUMULATE,
        "fp_immediate": kind is Kind.FP_MOVE_IMMEDIATE,
        "fp_shadowed": kind in shadowed or is_double_access,
    }
    return {feature for feature, has in found.items() if has}
