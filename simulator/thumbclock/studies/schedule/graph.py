"""What may move where: dependences between the instructions of a loop, and offsets that follow.

Two instructions keep their order where one writes what the other reads or writes (registers,
condition flags, GE, FPSCR), where both reach memory, one of them storing, and their addresses are
not known to differ, and where one of them is a fixed point: an IT block, an instruction that reads
PC, a barrier or an access to special registers. Q and the cumulative flags of FPSCR only ever
gather, and what reads them is a fixed point.

An access ``[base, #offset]`` may pass an instruction that adds a constant to the base: its
offset changes so that its address stays, as long as an encoding of the same size can hold it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from thumbclock.isa import Instruction, Kind, Memory, decode
from thumbclock.isa.instruction import FLAGS, PC, Immediate, Register, Shift
from thumbclock.studies.schedule.encoding import with_offset
from thumbclock.studies.schedule.source import Listing

__all__ = ["Body", "Segment", "base_step", "make_body"]

_FIXED = {
    Kind.LOAD_EXCLUSIVE, Kind.STORE_EXCLUSIVE, Kind.IT, Kind.HINT, Kind.BARRIER, Kind.SYSTEM,
    Kind.SUPERVISOR_CALL, Kind.BREAKPOINT, Kind.FP_STATUS,
}  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """Instructions that change places among each other only.

    Attributes:
        start: Index of the first.
        stop: Index behind the last.
        is_fixed: Whether they keep their order.
    """

    start: int
    stop: int
    is_fixed: bool


@dataclass(frozen=True)
class Body:
    """A loop as the search sees it; instructions go by their index in the original order.

    Attributes:
        listing: The loop as it was.
        segments: In program order; together they hold all instructions.
        before: For each instruction, a bit for each other that must stay before it.
        behind: The same for those that must stay behind it.
        group: For each instruction, the base register's number whose updates change its offset,
            counted by segment, or -1.
        updates: For each instruction, the group whose base it adds to, or -1.
        variants: For each instruction, its forms by the number of updates before it, None where
            the offset cannot be encoded; one form where no update changes it.
        codes: The machine code of each form.
    """

    listing: Listing
    segments: tuple[Segment, ...]
    before: tuple[int, ...]
    behind: tuple[int, ...]
    group: tuple[int, ...]
    updates: tuple[int, ...]
    variants: tuple[tuple[Instruction | None, ...], ...]
    codes: tuple[tuple[bytes, ...], ...]
    group_count: int

    @property
    def original(self) -> list[int]:
        """The order as it was."""
        return list(range(len(self.listing.instructions)))

    def forms(self, order: Sequence[int]) -> list[int] | None:
        """Return which variant of each instruction an order needs; None where there is none."""
        counts = [0] * self.group_count
        chosen = []
        for node in order:
            group = self.group[node]
            form = 0
            if group >= 0:
                form = counts[group]
                if self.variants[node][form] is None:
                    return None
            chosen.append(form)
            if self.updates[node] >= 0:
                counts[self.updates[node]] += 1
        return chosen


def base_step(instruction: Instruction, register: int) -> int | None:
    """Return the constant that an instruction adds to a register; None where it is no constant."""
    memory = instruction.memory
    if memory is not None:
        loaded = not memory.is_load or instruction.writes.count(register) == 1
        return memory.writeback if register == memory.base and loaded else None
    if instruction.is_predicated or instruction.mnemonic not in ("add", "addw", "sub", "subw"):
        return None
    *sources, last = instruction.operands
    if not isinstance(last, Immediate):
        return None
    if not all(isinstance(s, Register) and s.number == register for s in sources):
        return None
    return last.value if instruction.mnemonic.startswith("add") else -last.value


def make_body(listing: Listing, *, distinct: bool) -> Body:
    """Work out what may move where.

    Args:
        listing: The loop.
        distinct: Whether different base registers reach different memory.
    """
    instructions = listing.instructions
    segments = _segments(listing)
    count = len(instructions)
    group, updates = [-1] * count, [-1] * count
    variants: list[tuple[Instruction | None, ...]] = [(i,) for i in instructions]
    codes: list[tuple[bytes, ...]] = [(code,) for code in listing.code]
    before = [0] * count
    groups = 0
    for segment in segments:
        nodes = range(segment.start, segment.stop)
        for base in _moving_bases(instructions, segment):
            steps = {
                n: base_step(instructions[n], base) or 0
                for n in nodes
                if base in instructions[n].writes
            }
            for n in nodes:
                if n in steps:
                    updates[n] = groups
                elif _adjustable(instructions[n], base):
                    group[n] = groups
                    made = _forms(instructions[n], listing.code[n], steps, n)
                    variants[n] = tuple(form for form, _ in made)
                    codes[n] = tuple(code for _, code in made)
            groups += 1
        places = _places(instructions, segment)
        for later in nodes:
            for earlier in range(segment.start, later):
                free = _free_register(earlier, later, group, updates, instructions)
                if (
                    segment.is_fixed
                    or _depends(instructions[earlier], instructions[later], free)
                    or _conflict(places, earlier, later, distinct=distinct)
                ):
                    before[later] |= 1 << earlier
    behind = [sum(1 << m for m in range(count) if before[m] >> n & 1) for n in range(count)]
    return Body(
        listing=listing,
        segments=segments,
        before=tuple(before),
        behind=tuple(behind),
        group=tuple(group),
        updates=tuple(updates),
        variants=tuple(variants),
        codes=tuple(codes),
        group_count=groups,
    )


def _segments(listing: Listing) -> tuple[Segment, ...]:
    instructions = listing.instructions
    fixed = [_is_fixed(i) for i in instructions]
    cuts = {0, len(instructions), *listing.boundaries}
    cuts |= {n for n in range(1, len(fixed)) if fixed[n] != fixed[n - 1]}
    edges = sorted(cuts)
    return tuple(Segment(start, stop, fixed[start]) for start, stop in pairwise(edges))


def _is_fixed(instruction: Instruction) -> bool:
    memory = instruction.memory
    reads_pc = PC in instruction.reads or (memory is not None and memory.base == PC)
    reads_pc = reads_pc or instruction.mnemonic == "adr"
    return instruction.kind in _FIXED or instruction.in_it_block or reads_pc


# Offsets.


def _moving_bases(instructions: Sequence[Instruction], segment: Segment) -> list[int]:
    """Return the registers that only constants are added to, and that address memory."""
    inside = instructions[segment.start : segment.stop]
    if segment.is_fixed:
        return []
    based = {i.memory.base for i in inside if i.memory is not None}
    written = {r for i in inside for r in i.writes}
    return sorted(
        base
        for base in based & written
        if all(base_step(i, base) is not None for i in inside if base in i.writes)
    )


def _adjustable(instruction: Instruction, base: int) -> bool:
    """Return whether an instruction reads a base for the address of an immediate offset only."""
    memory = instruction.memory
    if memory is None or memory.base != base or memory.index is not None:
        return False
    return memory.writeback is None and base not in instruction.stored


def _forms(
    instruction: Instruction, code: bytes, steps: dict[int, int], node: int
) -> list[tuple[Instruction | None, bytes]]:
    """Return an access with its offset for each number of updates that may come before it."""
    assert instruction.memory is not None
    own = sum(step for n, step in steps.items() if n < node)
    totals = [0, *accumulate(steps.values())]
    forms: list[tuple[Instruction | None, bytes]] = []
    for total in totals:
        changed = code
        if total != own:
            changed = with_offset(code, instruction.memory.offset + own - total) or b""
        form = decode(changed, instruction.address) if changed else None
        forms.append((form, changed))
    return forms


# Dependences.


def _free_register(
    earlier: int,
    later: int,
    group: list[int],
    updates: list[int],
    instructions: Sequence[Instruction],
) -> int:
    """Return the base register over which two instructions need not keep their order, or -1."""
    for access, update in ((earlier, later), (later, earlier)):
        if group[access] >= 0 and group[access] == updates[update]:
            memory = instructions[access].memory
            assert memory is not None
            return memory.base
    return -1


def _depends(earlier: Instruction, later: Instruction, free: int) -> bool:
    first_writes, then_writes = {*earlier.writes} - {free}, {*later.writes} - {free}
    first_reads, then_reads = _reads(earlier) - {free}, _reads(later) - {free}
    reads_after_write = first_writes & then_reads
    writes_after_read = first_reads & then_writes
    return bool(reads_after_write or writes_after_read or first_writes & then_writes)


def _reads(instruction: Instruction) -> set[int]:
    reads = {*instruction.reads}
    if any(isinstance(o, Register) and o.shift is Shift.RRX for o in instruction.operands):
        reads.add(FLAGS)
    return reads


# Memory: addresses as a value of a register at some time, and a constant.


class _Place(NamedTuple):
    """Where an access goes: ``first`` to below ``end``, relative to a value of a register."""

    base: int
    value: int
    first: int
    end: int
    stores: bool
    is_indexed: bool


def _places(instructions: Sequence[Instruction], segment: Segment) -> dict[int, _Place]:
    """Follow registers through a segment and return where each access goes."""
    values: dict[int, tuple[int, int]] = {r: (r, 0) for r in range(16)}
    fresh = 100
    places: dict[int, _Place] = {}
    for n in range(segment.start, segment.stop):
        instruction = instructions[n]
        memory = instruction.memory
        if memory is not None and instruction.kind is not Kind.PRELOAD:
            places[n] = _place(memory, values)
        for register in instruction.writes:
            step = base_step(instruction, register)
            if step is None:
                values[register] = (fresh, 0)
                fresh += 1
            else:
                value, constant = values[register]
                values[register] = (value, constant + step)
    return places


def _place(memory: Memory, values: dict[int, tuple[int, int]]) -> _Place:
    value, constant = values[memory.base]
    first = constant + memory.offset
    end = first + memory.total_bytes
    return _Place(memory.base, value, first, end, not memory.is_load, memory.index is not None)


def _conflict(places: dict[int, _Place], earlier: int, later: int, *, distinct: bool) -> bool:
    if earlier not in places or later not in places:
        return False
    one, two = places[earlier], places[later]
    if not (one.stores or two.stores):
        return False
    if one.value != two.value:
        return not (distinct and one.base != two.base)
    if one.is_indexed or two.is_indexed:
        return True
    return one.first < two.end and two.first < one.end
