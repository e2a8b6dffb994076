"""Decoding: operands, roles and classes of one instruction at a time, against a table."""

from pathlib import Path

import pytest

from thumbclock.isa import Branch, Instruction, Kind, decode, decode_block
from thumbclock.isa.instruction import FLAGS, PC, Operand2, register_name

ADDRESS = 0x1000
TABLE = Path(__file__).with_name("encodings.txt")


def names(numbers: tuple[int, ...]) -> str:
    """Return register names, sorted by number."""
    return " ".join(register_name(number) for number in sorted(set(numbers)))


def describe(instruction: Instruction) -> str:
    """Return all that the pipeline models use of an instruction, as a line of the table."""
    parts = [f"{names(instruction.writes)} <- {names(instruction.reads)}".strip()]
    roles = {role: getattr(instruction, role) for role in ("early", "accumulator", "stored")}
    parts += [f"{role} {names(registers)}" for role, registers in roles.items() if registers]
    if instruction.operand2 is not Operand2.NONE:
        parts.append(instruction.operand2)
    if instruction.sets_flags != (FLAGS in instruction.writes and instruction.mnemonic != "msr"):
        parts.append("flags disagree")
    if instruction.is_double:
        parts.append("double")
    if instruction.memory is not None:
        parts.append(describe_memory(instruction))
    if instruction.branch is not None:
        target = "" if instruction.target is None else f" {instruction.target:#x}"
        parts.append(f"{instruction.branch}{target}")
    if instruction.condition != 14:
        parts.append(f"condition {instruction.condition}")
    if instruction.it_mask:
        parts.append(f"itstate {instruction.it_mask:#04x}")
    return "; ".join(parts)


def describe_memory(instruction: Instruction) -> str:
    """Return address, extent and write-back of a memory access."""
    memory = instruction.memory
    assert memory is not None
    index = "" if memory.index is None else f"+{register_name(memory.index)}<<{memory.shift}"
    offset = f"{memory.offset:+d}" if memory.offset else ""
    place = f"{memory.offset:#x}" if memory.base == PC else register_name(memory.base) + offset
    text = f"[{place}{index}]"
    text += f" {memory.count}x{memory.size_bytes}"
    text += " signed" * memory.is_signed + " aligned" * memory.needs_alignment
    text += " load" if memory.is_load else " store"
    return text if memory.writeback is None else f"{text}, base {memory.writeback:+d}"


def rows() -> list[tuple[str, str, str, str]]:
    """Return the table's cells."""
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [(code, text, kind, facts) for code, text, kind, facts in cells]


@pytest.mark.parametrize(("code", "text", "kind", "facts"), rows())
def test_roles(code: str, text: str, kind: str, facts: str) -> None:
    """Class, registers, roles, memory access and branch are those of the architecture manual."""
    instruction = decode(bytes.fromhex(code), ADDRESS)
    assert (instruction.kind, describe(instruction)) == (kind, facts), text
    assert instruction.size_bytes == len(code) // 2
    assert instruction.end == ADDRESS + len(code) // 2


def test_table_covers_every_class() -> None:
    """No class is without an example."""
    assert {kind for _, _, kind, _ in rows()} == set(Kind)


IT_EQ, IT_NE = 0x08, 0x18


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("8818", "r0 <- r1 r2 flags; condition 0"),  # adds outside an IT block, add inside
        ("4843", "r0 <- r0 r1 flags; condition 0"),  # muls
        ("8842", "flags <- r0 r1 flags; condition 0"),  # a compare sets the flags everywhere
        ("11eb0200", "r0 flags <- r1 r2 flags; condition 0"),  # adds.w
        ("0868", "r0 <- r1 flags; [r1] 1x4 load; condition 0"),
        ("07e0", "<- flags; conditional 0x1012; condition 0"),  # b becomes beq
        ("7047", "<- lr flags; return; condition 0"),
        ("00f008f8", "lr <- flags; call 0x1014; condition 0"),
        ("30ee810a", "s0 <- flags s1 s2; condition 0"),
    ],
)
def test_predicated(code: str, facts: str) -> None:
    """In an IT block everything reads the flags, and 16-bit arithmetic does not set them."""
    instruction = decode(bytes.fromhex(code), ADDRESS, IT_EQ)
    assert describe(instruction) == facts
    assert instruction.is_predicated


def test_it_block_ends() -> None:
    """ITSTATE gives each instruction of a block its condition, and none to what follows."""
    code = bytes.fromhex("16bf" + "0846" * 5)  # itet ne; mov r0, r1 five times
    found = list(decode_block(code, ADDRESS))
    assert [i.condition for i in found] == [14, 1, 0, 1, 14, 14]
    assert [i.in_it_block for i in found] == [False, True, True, True, False, False]
    assert [i.address for i in found] == list(range(ADDRESS, ADDRESS + 12, 2))


def test_block_starts_inside_it_block() -> None:
    """A block that begins with the last instruction of an IT block is told so by ITSTATE."""
    first, second = decode_block(bytes.fromhex("08460846"), ADDRESS, IT_NE)
    assert (first.condition, second.condition) == (1, 14)


def test_truncated_wide_encoding_is_no_instruction() -> None:
    """Half of a 32-bit instruction at the end of a memory decodes as undefined."""
    assert decode(bytes.fromhex("00f0"), ADDRESS).kind is Kind.UNDEFINED


def test_shifted_literal_address() -> None:
    """A literal's address is relative to the word-aligned program counter."""
    odd = decode(bytes.fromhex("0248"), ADDRESS + 2)
    assert odd.memory is not None
    assert odd.memory.offset == ADDRESS + 4 + 8


@pytest.mark.parametrize("code", ["bde80080", "00bd", "5df804fb"])
def test_every_pop_of_pc_is_a_return(code: str) -> None:
    """LDM SP!, POP {PC} and LDR PC, [SP], #4 use the return stack of a predictor."""
    assert decode(bytes.fromhex(code), ADDRESS).branch is Branch.RETURN
