"""What the pipeline models know of an instruction: operands, roles, class.

Registers are small integers: 0 to 15 the core registers, 32 to 63 the single-precision
registers (a double takes two), and the names below for the flag groups.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "FLAGS",
    "FPSCR",
    "GE",
    "LR",
    "PC",
    "SINGLE_0",
    "SP",
    "Branch",
    "Immediate",
    "Instruction",
    "Kind",
    "Memory",
    "Operand",
    "Operand2",
    "Register",
    "Shift",
    "register_name",
]

SP = 13
LR = 14
PC = 15
FLAGS = 16
GE = 17
FPSCR = 18
SINGLE_0 = 32


class Kind(StrEnum):
    """The class of an instruction: what the cost tables and the instruction mix speak of."""

    ALU = "alu"
    MOVE = "move"
    SHIFT = "shift"
    COMPARE = "compare"
    MOVE_WIDE = "move_wide"
    BITFIELD = "bitfield"
    EXTEND = "extend"
    EXTEND_ADD = "extend_add"
    REVERSE = "reverse"
    CLZ = "clz"
    PACK = "pack"
    DSP = "dsp"
    MULTIPLY = "multiply"
    MULTIPLY_ACCUMULATE = "multiply_accumulate"
    MULTIPLY_LONG = "multiply_long"
    MULTIPLY_ACCUMULATE_LONG = "multiply_accumulate_long"
    DIVIDE = "divide"
    LOAD = "load"
    STORE = "store"
    LOAD_DUAL = "load_dual"
    STORE_DUAL = "store_dual"
    LOAD_MULTIPLE = "load_multiple"
    STORE_MULTIPLE = "store_multiple"
    LOAD_EXCLUSIVE = "load_exclusive"
    STORE_EXCLUSIVE = "store_exclusive"
    PRELOAD = "preload"
    BRANCH = "branch"
    TABLE_BRANCH = "table_branch"
    IT = "it"
    NOP = "nop"
    HINT = "hint"
    BARRIER = "barrier"
    SYSTEM = "system"
    SUPERVISOR_CALL = "supervisor_call"
    BREAKPOINT = "breakpoint"
    FP_ADD = "fp_add"
    FP_COMPARE = "fp_compare"
    FP_CONVERT = "fp_convert"
    FP_MULTIPLY = "fp_multiply"
    FP_MULTIPLY_ACCUMULATE = "fp_multiply_accumulate"
    FP_FUSED = "fp_fused"
    FP_DIVIDE = "fp_divide"
    FP_SQRT = "fp_sqrt"
    FP_MOVE = "fp_move"
    FP_MOVE_IMMEDIATE = "fp_move_immediate"
    FP_TO_CORE = "fp_to_core"
    FP_FROM_CORE = "fp_from_core"
    FP_STATUS = "fp_status"
    FP_LOAD = "fp_load"
    FP_STORE = "fp_store"
    FP_LOAD_MULTIPLE = "fp_load_multiple"
    FP_STORE_MULTIPLE = "fp_store_multiple"
    UNDEFINED = "undefined"


class Branch(StrEnum):
    """How an instruction may change the flow of control."""

    CONDITIONAL = "conditional"
    DIRECT = "direct"
    CALL = "call"
    INDIRECT = "indirect"
    INDIRECT_CALL = "indirect_call"
    RETURN = "return"


class Operand2(StrEnum):
    """The form of a data-processing instruction's flexible second operand."""

    NONE = "none"
    SIMPLE_CONSTANT = "simple_constant"
    PATTERN_CONSTANT = "pattern_constant"
    SHIFTED_CONSTANT = "shifted_constant"
    SHIFTED_REGISTER = "shifted_register"


class Shift(StrEnum):
    """The shift that an operand goes through."""

    LSL = "lsl"
    LSR = "lsr"
    ASR = "asr"
    ROR = "ror"
    RRX = "rrx"


@dataclass(frozen=True, slots=True)
class Register:
    """A register operand, with the constant shift that it goes through, if any."""

    number: int
    shift: Shift | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Immediate:
    """A constant operand."""

    value: int


Operand = Register | Immediate


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory access of an instruction.

    The first byte accessed is ``base + (index << shift) + offset``; ``count`` elements of
    ``size_bytes`` follow each other. A base of PC stands for the literal address in ``offset``.
    ``writeback`` is what the base register gains, None where it stays.
    """

    base: int
    offset: int
    size_bytes: int
    count: int = 1
    index: int | None = None
    shift: int = 0
    writeback: int | None = None
    is_load: bool = True
    is_signed: bool = False
    needs_alignment: bool = False

    @property
    def total_bytes(self) -> int:
        """Bytes of all elements together."""
        return self.size_bytes * self.count

    @property
    def registers(self) -> tuple[int, ...]:
        """The registers that the address is made of."""
        base = () if self.base == PC else (self.base,)
        return base if self.index is None else (*base, self.index)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One decoded instruction.

    Attributes:
        address: Address of its first byte.
        size_bytes: 2 or 4.
        mnemonic: Base name without condition, flag suffix and width, e.g. ``add``.
        text: Assembly text for reports.
        kind: Its class.
        condition: Arm condition code, 14 for always; from the IT block or the branch itself.
        in_it_block: Whether an IT instruction governs it.
        reads: All registers and flag groups that it reads, those of addresses included.
        writes: All registers and flag groups that it writes.
        early: Registers that go through the shifter, which a two-stage ALU needs early.
        accumulator: Registers that a multiply-accumulate adds to.
        stored: Registers whose values a store writes.
        operands: The operands as written, destination first; for value recipes.
        operand2: Form of the second operand, which restricts pairing on some cores.
        memory: The memory access, if any.
        branch: How it changes the flow of control, None where it does not.
        target: Destination of a direct branch.
        sets_flags: Whether it writes N, Z, C or V.
        is_double: Whether it computes in double precision.
        it_mask: For IT itself, the ITSTATE that it sets.
    """

    address: int
    size_bytes: int
    mnemonic: str
    text: str
    kind: Kind
    condition: int = 14
    in_it_block: bool = False
    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    early: tuple[int, ...] = ()
    accumulator: tuple[int, ...] = ()
    stored: tuple[int, ...] = ()
    operands: tuple[Operand, ...] = ()
    operand2: Operand2 = Operand2.NONE
    memory: Memory | None = None
    branch: Branch | None = None
    target: int | None = None
    sets_flags: bool = False
    is_double: bool = False
    it_mask: int = 0

    @property
    def factors(self) -> tuple[int, ...]:
        """Registers that a multiply-accumulate multiplies, also where it adds to them as well."""
        if not self.accumulator:
            return ()
        first = len(self.accumulator) if self.kind is Kind.MULTIPLY_ACCUMULATE_LONG else 1
        chosen = self.operands[first : first + 2]
        numbers = [operand.number for operand in chosen if isinstance(operand, Register)]
        return tuple(n + i for n in numbers for i in range(1 + self.is_double))

    @property
    def end(self) -> int:
        """Address of the instruction that follows in memory."""
        return self.address + self.size_bytes

    @property
    def is_narrow(self) -> bool:
        """Whether this is a 16-bit encoding."""
        return self.size_bytes == 2

    @property
    def is_predicated(self) -> bool:
        """Whether an IT block decides if it takes effect."""
        return self.in_it_block and self.condition != 14


def register_name(number: int) -> str:
    """Return the assembly name of a register or flag group."""
    special = {SP: "sp", LR: "lr", PC: "pc", FLAGS: "flags", GE: "ge", FPSCR: "fpscr"}
    if number in special:
        return special[number]
    return f"r{number}" if number < 16 else f"s{number - SINGLE_0}"
