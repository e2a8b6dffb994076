"""Bytes to instructions: capstone, with the corrections that a dependency model needs.

Capstone 5 omits or misstates register accesses of a number of instructions (accumulators of long
multiplies, second sources of SXTAB16 and PKHBT, register lists of VLDM, flags of ADC and of the
parallel adds). The roles here are therefore derived from the operands by mnemonic and class, and
capstone's own access information is not used.
"""

from collections.abc import Iterator
from functools import lru_cache

import capstone
from capstone import arm

from thumbclock.isa.instruction import (
    FLAGS,
    FPSCR,
    GE,
    LR,
    PC,
    SINGLE_0,
    SP,
    Branch,
    Immediate,
    Instruction,
    Kind,
    Memory,
    Operand,
    Operand2,
    Register,
    Shift,
)
from thumbclock.isa.tables import ACCESS_BYTES, KINDS

__all__ = ["advance_it_state", "decode", "decode_block"]

_ALWAYS = 14

_SHIFTS = {
    arm.ARM_SFT_ASR: Shift.ASR,
    arm.ARM_SFT_LSL: Shift.LSL,
    arm.ARM_SFT_LSR: Shift.LSR,
    arm.ARM_SFT_ROR: Shift.ROR,
    arm.ARM_SFT_RRX: Shift.RRX,
}

# Capstone's own operand names for special registers; apart from these, ids map by name.
_SPECIAL = {"sp": SP, "lr": LR, "pc": PC, "fpscr": FPSCR, "apsr_nzcv": FLAGS}


def advance_it_state(it_state: int) -> int:
    """Return ITSTATE after one more instruction of the block (Armv7-M ARM, ITAdvance)."""
    if it_state & 7 == 0:
        return 0
    return (it_state & 0xE0) | ((it_state << 1) & 0x1F)


@lru_cache(maxsize=65536)
def decode(code: bytes, address: int, it_state: int = 0) -> Instruction:
    """Decode the instruction at the start of ``code``.

    Args:
        code: At least 2 bytes, 4 where the encoding is wide.
        address: Where these bytes are.
        it_state: ITSTATE in force, 0 outside an IT block.

    Returns:
        The instruction; its kind is ``UNDEFINED`` where the bytes are no Thumb instruction.
    """
    condition = it_state >> 4 if it_state else _ALWAYS
    size_bytes = 4 if code[1] >> 3 in (0b11101, 0b11110, 0b11111) else 2
    raw = _disassemble(code[:size_bytes], address, condition if it_state else None)
    if raw is None or raw.size != size_bytes:
        word = code[:size_bytes].hex()
        return Instruction(address, size_bytes, "undefined", f".inst 0x{word}", Kind.UNDEFINED)
    return _Translation(raw, code[:size_bytes], condition, bool(it_state)).instruction()


def decode_block(code: bytes, address: int, it_state: int = 0) -> Iterator[Instruction]:
    """Decode consecutive instructions until ``code`` is used up, following IT blocks."""
    position = 0
    while position + 2 <= len(code):
        instruction = decode(code[position : position + 4], address + position, it_state)
        yield instruction
        it_state = instruction.it_mask or (advance_it_state(it_state) if it_state else 0)
        position += instruction.size_bytes


@lru_cache(maxsize=1)
def _capstone() -> capstone.Cs:
    engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    engine.detail = True
    return engine


def _disassemble(code: bytes, address: int, condition: int | None) -> capstone.CsInsn | None:
    """Run capstone, behind an IT instruction where one is in force."""
    if condition is None:
        return next(_capstone().disasm(code, address, 1), None)
    prefix = (0xBF08 | condition << 4).to_bytes(2, "little")
    decoded = list(_capstone().disasm(prefix + code, address - 2, 2))
    return decoded[1] if len(decoded) == 2 else None


def _register_numbers(name: str) -> tuple[int, ...]:
    if name in _SPECIAL:
        return (_SPECIAL[name],)
    aliases = {"sb": 9, "sl": 10, "fp": 11, "ip": 12}
    if name in aliases:
        return (aliases[name],)
    prefix, digits = name[0], name[1:]
    if not digits.isdigit():
        return ()
    number = int(digits)
    match prefix:
        case "r":
            return (number,)
        case "s":
            return (SINGLE_0 + number,)
        case "d":
            return (SINGLE_0 + 2 * number, SINGLE_0 + 2 * number + 1)
    return ()


def _immediate_form(encoding: int, size_bytes: int) -> Operand2:
    """Classify the constant of a data-processing instruction by its encoding."""
    if size_bytes == 2 or encoding & 0xFA008000 != 0xF0000000:
        return Operand2.SIMPLE_CONSTANT
    form = (encoding >> 26 & 1) << 3 | (encoding >> 12 & 7)
    if form < 4:
        return Operand2.SIMPLE_CONSTANT if form == 0 else Operand2.PATTERN_CONSTANT
    return Operand2.SHIFTED_CONSTANT


def _load_branch(memory: Memory) -> Branch:
    """Return how a load to PC transfers control: ``LDR PC, [SP], #4`` is POP {PC}."""
    pops = memory.base == SP and memory.writeback is not None
    return Branch.RETURN if pops else Branch.INDIRECT


class _Translation:
    """The way from one capstone instruction to ours."""

    def __init__(self, raw: capstone.CsInsn, code: bytes, condition: int, in_it: bool) -> None:
        self.raw = raw
        first = int.from_bytes(code[:2], "little")
        self.encoding = (
            first if len(code) == 2 else first << 16 | int.from_bytes(code[2:], "little")
        )
        self.size_bytes = len(code)
        self.in_it = in_it
        self.condition = condition
        self.mnemonic = self._mnemonic()
        self.kind = KINDS.get(self.mnemonic, Kind.UNDEFINED)
        self.registers: list[tuple[int, ...]] = []
        self.operands: list[Operand] = []
        self.memory_operand: arm.ArmOpMem | None = None
        self.memory_shift = 0
        self.post_offset = 0
        self._read_operands()

    def _mnemonic(self) -> str:
        name = str(self.raw.insn_name())
        if self.size_bytes == 4 and self.encoding & 0xFBF08000 == 0xF2400000:
            return "movw"  # capstone calls it mov, which has no 16-bit constant
        if name in ("hint", "nop"):
            full = str(self.raw.mnemonic).strip().removesuffix(".w")
            return full[:-2] if self.in_it and self.condition != _ALWAYS else full
        if name == "cps" or name.startswith("vsel"):
            return name[:4]
        return _PLAIN_NAMES.get(name, name)

    def _read_operands(self) -> None:
        for operand in self.raw.operands:
            shift = _SHIFTS.get(operand.shift.type)
            if operand.type == arm.ARM_OP_REG:
                numbers = _register_numbers(self.raw.reg_name(operand.reg))
                self.registers.append(numbers)
                if numbers:
                    self.operands.append(Register(numbers[0], shift, operand.shift.value))
            elif operand.type == arm.ARM_OP_IMM:
                if self.memory_operand is not None:
                    self.post_offset = operand.imm
                else:
                    self.operands.append(Immediate(operand.imm))
            elif operand.type == arm.ARM_OP_MEM:
                self.memory_operand = operand.mem
                self.memory_shift = (
                    operand.shift.value if operand.shift.type else operand.mem.lshift
                )

    def instruction(self) -> Instruction:
        """Return the finished instruction."""
        kind = self.kind
        if kind is Kind.BRANCH or kind is Kind.TABLE_BRANCH:
            return self._branch()
        if kind is Kind.IT:
            return self._make(kind, it_mask=self.encoding & 0xFF)
        if kind in _LISTS:
            return self._list(kind)
        if self.memory_operand is not None:
            return self._load_or_store(kind)
        if kind.value.startswith("fp_"):
            return self._floating(kind)
        return self._data_processing(kind)

    def _make(self, kind: Kind, **fields: object) -> Instruction:
        reads = fields.pop("reads", ())
        assert isinstance(reads, tuple)
        if self.in_it and self.condition != _ALWAYS and FLAGS not in reads:
            reads = (*reads, FLAGS)
        return Instruction(
            address=self.raw.address,
            size_bytes=self.size_bytes,
            mnemonic=self.mnemonic,
            text=f"{self.raw.mnemonic} {self.raw.op_str}".strip(),
            kind=kind,
            condition=fields.pop("condition", self.condition),  # type: ignore[arg-type]
            in_it_block=self.in_it,
            reads=reads,
            operands=tuple(self.operands),
            **fields,  # type: ignore[arg-type]
        )

    def _branch(self) -> Instruction:
        name = self.mnemonic
        reads = tuple(n for numbers in self.registers for n in numbers)
        if self.kind is Kind.TABLE_BRANCH:
            memory = self._memory(is_load=True)
            return self._make(
                self.kind, reads=memory.registers, branch=Branch.INDIRECT, memory=memory
            )
        if name == "bx":
            branch = Branch.RETURN if reads == (LR,) else Branch.INDIRECT
            return self._make(self.kind, reads=reads, branch=branch)
        if name == "blx":
            return self._make(self.kind, reads=reads, writes=(LR,), branch=Branch.INDIRECT_CALL)
        target = next(o.value for o in self.operands if isinstance(o, Immediate)) & 0xFFFFFFFF
        if name == "bl":
            return self._make(self.kind, writes=(LR,), branch=Branch.CALL, target=target)
        if name in ("cbz", "cbnz"):
            return self._make(self.kind, reads=reads, branch=Branch.CONDITIONAL, target=target)
        condition = self.condition if self.in_it else self._branch_condition()
        if condition == _ALWAYS:
            return self._make(self.kind, branch=Branch.DIRECT, target=target)
        return self._make(
            self.kind,
            reads=(FLAGS,),
            branch=Branch.CONDITIONAL,
            target=target,
            condition=condition,
        )

    def _branch_condition(self) -> int:
        if self.size_bytes == 2:
            return self.encoding >> 8 & 15 if self.encoding >> 12 == 0b1101 else _ALWAYS
        return self.encoding >> 22 & 15 if not self.encoding & 0x1000 else _ALWAYS

    def _memory(self, *, is_load: bool, count: int = 1) -> Memory:
        operand = self.memory_operand
        assert operand is not None
        size_bytes = ACCESS_BYTES.get(self.mnemonic, 4)
        (base,) = _register_numbers(self.raw.reg_name(operand.base))
        index = _register_numbers(self.raw.reg_name(operand.index))[0] if operand.index else None
        offset, writeback = int(operand.disp), None
        if self.raw.writeback:
            is_post = self._is_post_indexed()
            writeback = self.post_offset if is_post and not offset else offset
            offset = 0 if is_post else offset
        if base == PC and self.kind is not Kind.TABLE_BRANCH:
            offset += (self.raw.address + 4) & ~3
        elif base == PC:
            offset += self.raw.address + 4
        return Memory(
            base=base,
            offset=offset,
            size_bytes=size_bytes,
            count=count,
            index=index,
            shift=self.memory_shift if index is not None else 0,
            writeback=writeback,
            is_load=is_load,
            is_signed=self.mnemonic.startswith(("ldrsb", "ldrsh")),
            needs_alignment=self.kind in _ALIGNED or self.mnemonic in _ALIGNED_NAMES,
        )

    def _is_post_indexed(self) -> bool:
        # Encodings of LDR/STR immediate T4 and LDRD/STRD: bit 10 or 24 is P (index).
        if self.kind in (Kind.LOAD_DUAL, Kind.STORE_DUAL):
            return not self.encoding >> 24 & 1
        return not self.encoding >> 10 & 1

    def _load_or_store(self, kind: Kind) -> Instruction:
        is_load = kind in _LOADS
        transferred = [n for numbers in self.registers for n in numbers]
        doubles = sum(len(numbers) == 2 for numbers in self.registers)
        count = 2 if kind in (Kind.LOAD_DUAL, Kind.STORE_DUAL) or doubles else 1
        memory = self._memory(is_load=is_load, count=count)
        written = [memory.base] if memory.writeback is not None else []
        if kind is Kind.STORE_EXCLUSIVE:
            status, *data = transferred
            return self._make(
                kind,
                reads=(*data, *memory.registers),
                writes=(status,),
                stored=tuple(data),
                memory=memory,
            )
        if kind is Kind.PRELOAD:
            return self._make(kind, reads=memory.registers, memory=memory)
        if not is_load:
            return self._make(
                kind,
                reads=(*transferred, *memory.registers),
                writes=tuple(written),
                stored=tuple(transferred),
                memory=memory,
                is_double=bool(doubles),
            )
        return self._make(
            kind,
            reads=memory.registers,
            writes=(*transferred, *written),
            memory=memory,
            branch=_load_branch(memory) if PC in transferred else None,
            is_double=bool(doubles),
        )

    def _list(self, kind: Kind) -> Instruction:
        name = self.mnemonic
        lists = [n for numbers in self.registers for n in numbers]
        if name in ("push", "pop", "vpush", "vpop"):
            base, transferred, writes_back = SP, lists, True
            if self.memory_operand is not None:
                transferred = lists[:1]
        else:
            base, transferred = lists[0], lists[1:]
            writes_back = bool(self.raw.writeback)
        is_load = name in ("pop", "vpop") or "ldm" in name
        descending = name in ("push", "vpush") or name.endswith("db")
        extent = 4 * len(transferred)
        memory = Memory(
            base=base,
            offset=-extent if descending else 0,
            size_bytes=4,
            count=len(transferred),
            writeback=(-extent if descending else extent) if writes_back else None,
            is_load=is_load,
            needs_alignment=True,
        )
        base_written = (base,) if writes_back else ()
        if is_load:
            branch = Branch.RETURN if PC in transferred else None
            return self._make(
                kind,
                reads=(base,),
                writes=(*transferred, *base_written),
                memory=memory,
                branch=branch,
            )
        return self._make(
            kind,
            reads=(base, *transferred),
            writes=base_written,
            stored=tuple(transferred),
            memory=memory,
        )

    def _floating(self, kind: Kind) -> Instruction:
        written, *read = self.registers or [()]
        is_double = any(len(n) == 2 for n in self.registers) and kind not in (
            Kind.FP_TO_CORE,
            Kind.FP_FROM_CORE,
        )
        if kind is Kind.FP_STATUS:
            return self._status()
        if kind in (Kind.FP_MOVE, Kind.FP_MOVE_IMMEDIATE):
            return self._floating_move(is_double)
        if kind is Kind.FP_COMPARE:
            reads = tuple(n for numbers in self.registers for n in numbers)
            return self._make(kind, reads=reads, writes=(FPSCR,), is_double=is_double)
        reads = tuple(n for numbers in read for n in numbers)
        if kind in (Kind.FP_MULTIPLY_ACCUMULATE, Kind.FP_FUSED):
            return self._make(
                kind,
                reads=(*reads, *written),
                writes=written,
                accumulator=written,
                is_double=is_double,
            )
        if self.mnemonic == "vsel":
            reads = (*reads, FLAGS)
        return self._make(kind, reads=reads or written, writes=written, is_double=is_double)

    def _floating_move(self, is_double: bool) -> Instruction:
        core = [n for numbers in self.registers for n in numbers if n < 16]
        single = [n for numbers in self.registers for n in numbers if n >= SINGLE_0]
        if len(core) == 1 and len(single) == 2:
            single = [single[self.encoding >> 21 & 1]]  # one half of a double: VMOV.32 Dd[x]
        if not core:
            written, *read = self.registers
            kind = Kind.FP_MOVE if read else Kind.FP_MOVE_IMMEDIATE
            reads = tuple(n for numbers in read for n in numbers)
            return self._make(kind, reads=reads, writes=written, is_double=is_double)
        if self.registers[0][0] < 16:
            return self._make(Kind.FP_TO_CORE, reads=tuple(single), writes=tuple(core))
        return self._make(Kind.FP_FROM_CORE, reads=tuple(core), writes=tuple(single))

    def _status(self) -> Instruction:
        flat = [n for numbers in self.registers for n in numbers]
        if self.mnemonic == "vmsr":
            return self._make(
                Kind.FP_STATUS, reads=tuple(n for n in flat if n < 16), writes=(FPSCR,)
            )
        core = [n for n in flat if n < 15]
        if not core:
            return self._make(Kind.FP_STATUS, reads=(FPSCR,), writes=(FLAGS,), sets_flags=True)
        return self._make(Kind.FP_STATUS, reads=(FPSCR,), writes=tuple(core))

    def _data_processing(self, kind: Kind) -> Instruction:
        name = self.mnemonic
        flat = [o.number for o in self.operands if isinstance(o, Register)]
        sets_flags = self._sets_flags(kind)
        reads, writes = list(flat[1:]), flat[:1]
        early: list[int] = []
        accumulator: list[int] = []
        if kind is Kind.COMPARE:
            reads, writes = flat, []
        elif kind in (Kind.MULTIPLY_LONG, Kind.MULTIPLY_ACCUMULATE_LONG):
            writes, reads = flat[:2], flat[2:]
            if kind is Kind.MULTIPLY_ACCUMULATE_LONG:
                accumulator = flat[:2]
                reads = [*reads, *accumulator]
        elif kind is Kind.MULTIPLY_ACCUMULATE:
            accumulator = flat[3:4]
        elif kind is Kind.SYSTEM:
            reads, writes = (flat, [FLAGS]) if name == "msr" else ([], flat)
        elif len(flat) == 1 and name not in _SINGLE_WRITE:
            reads = flat  # two-operand forms: ADD Rd, #imm
        elif len(flat) == 2 and len(self.operands) == 2 and name not in _UNARY:
            reads = flat  # two-operand forms: ADD Rd, Rm
        if name in ("bfi", "movt"):
            reads = [*reads, *flat[:1]]
        if kind in (Kind.EXTEND_ADD, Kind.REVERSE) or name in _EARLY_LAST:
            early = flat[-1:]
        if name == "pkhtb":
            early = flat[1:]
        operand2 = self._operand2(kind)
        if operand2 is Operand2.SHIFTED_REGISTER:
            early = flat[-1:]
        if sets_flags:
            writes = [*writes, FLAGS]
        if name in ("adc", "sbc", "rrx"):
            reads = [*reads, FLAGS]
        if name in _SETS_GE:
            writes = [*writes, GE]
        if name == "sel":
            reads = [*reads, GE]
        branch = None
        if PC in writes:
            branch = Branch.RETURN if name == "mov" and flat[1:] == [LR] else Branch.INDIRECT
        return self._make(
            kind,
            reads=tuple(dict.fromkeys(reads)),
            writes=tuple(dict.fromkeys(writes)),
            early=tuple(early),
            accumulator=tuple(accumulator),
            operand2=operand2,
            branch=branch,
            sets_flags=sets_flags,
        )

    def _sets_flags(self, kind: Kind) -> bool:
        if kind is Kind.COMPARE:
            return True
        if kind not in _FLAG_SETTERS:
            return False
        if self.size_bytes == 4:
            return self._wide_s_bit()
        # A 16-bit data-processing encoding sets the flags outside an IT block, save for the
        # high-register ADD and MOV (0x44xx, 0x46xx), ADD/SUB with SP or PC and the extensions.
        plain = self.encoding >> 8 in (0x44, 0x46) or self.encoding >> 12 in (0xA, 0xB)
        return not self.in_it and not plain

    def _wide_s_bit(self) -> bool:
        top = self.encoding >> 25
        # Shifted register, 1110101, or modified immediate, 11110i0.
        if top == 0b1110101 or top & ~0b10 == 0b1111000:
            return bool(self.encoding >> 20 & 1)
        # LSL/LSR/ASR/ROR by register: 11111010 0 op S
        return self.encoding >> 23 == 0b111110100 and bool(self.encoding >> 20 & 1)

    def _operand2(self, kind: Kind) -> Operand2:
        if kind not in _OPERAND2:
            return Operand2.NONE
        last = self.operands[-1] if self.operands else None
        if isinstance(last, Immediate):
            return _immediate_form(self.encoding, self.size_bytes)
        if isinstance(last, Register) and last.shift is not None:
            return Operand2.SHIFTED_REGISTER
        return Operand2.NONE


# Names that capstone gives to encodings of instructions which have others too.
_PLAIN_NAMES = {"movs": "mov", "fmdhr": "vmov", "trap": "udf"}
_LISTS = {
    Kind.LOAD_MULTIPLE,
    Kind.STORE_MULTIPLE,
    Kind.FP_LOAD_MULTIPLE,
    Kind.FP_STORE_MULTIPLE,
}
_LOADS = {Kind.LOAD, Kind.LOAD_DUAL, Kind.LOAD_EXCLUSIVE, Kind.FP_LOAD, Kind.PRELOAD}
_ALIGNED = {
    Kind.LOAD_DUAL,
    Kind.STORE_DUAL,
    Kind.LOAD_EXCLUSIVE,
    Kind.STORE_EXCLUSIVE,
    Kind.FP_LOAD,
    Kind.FP_STORE,
}
_ALIGNED_NAMES = {"stl", "stlh"}
_FLAG_SETTERS = {Kind.ALU, Kind.MOVE, Kind.SHIFT, Kind.MULTIPLY}
_OPERAND2 = {Kind.ALU, Kind.MOVE, Kind.COMPARE}
_EARLY_LAST = {"bfi", "ubfx", "sbfx", "pkhbt"}
_SINGLE_WRITE = {"mov", "movw", "mvn", "adr", "mrs"}
_UNARY = {
    "adr", "clz", "mov", "mvn", "rbit", "rev", "rev16", "revsh", "rrx", "sxtb", "sxth", "uxtb",
    "uxth", "sxtb16", "uxtb16", "ssat", "usat", "ssat16", "usat16", "neg", "rsb", "sbfx", "ubfx",
    "bfi",
}  # fmt: skip
_SETS_GE = {
    "sadd8", "uadd8", "sadd16", "uadd16", "ssub8", "usub8", "ssub16", "usub16", "sasx", "uasx",
    "ssax", "usax",
}  # fmt: skip
