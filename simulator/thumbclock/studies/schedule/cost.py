"""What an order costs: cycles per iteration of the steady state, by a profile's pipeline model.

The model is asked once for each pair of pipeline state and instruction; the answers are kept in a
table, so that an order costs a few look-ups per instruction. Branches back are taken and predicted,
caches hit, and data lie in the memory where the profile places data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from thumbclock.cores import Access, Edge, State, pipeline_model
from thumbclock.isa import Instruction, decode
from thumbclock.isa.instruction import PC, Immediate, Register
from thumbclock.memory import MemoryMap, Timing
from thumbclock.profiles import Profile
from thumbclock.studies.schedule.bound import largest_pairing
from thumbclock.studies.schedule.graph import Body, base_step

__all__ = ["Costs", "IssuedInstruction"]

_CYCLE_BITS = 12
_LONG_CYCLES = 64
_CYCLES = (1 << _CYCLE_BITS) - 1
_NOP = bytes.fromhex("00bf")
_QUOTIENT_BITS = 16  # of a divide: what its operands are is not known


@dataclass(frozen=True)
class IssuedInstruction:
    """One instruction of an order, as the pipeline issues it.

    Attributes:
        instruction: With the offset that it has in this order.
        cycles: Cycles that passed; 0 where it issued together with the one before it.
        stalls: Cycles among these in which nothing could issue, by reason.
    """

    instruction: Instruction
    cycles: int
    stalls: tuple[tuple[str, int], ...]


class Costs:
    """Prices orders of a body on one profile.

    Args:
        body: The loop.
        profile: The board; code and data lie where it places them.
        low_bits: Lowest three bits of registers at the start of the loop; 0 for the others.
    """

    def __init__(self, body: Body, profile: Profile, low_bits: dict[int, int]) -> None:
        self.body = body
        self.profile = profile
        memory = MemoryMap(profile.board)
        self._timing = Timing(pipeline_model(replace(profile.core, fpu=profile.fpu)), memory)
        self._wait_class = memory.wait_class_at(profile.board.default_placement.data.base)
        self._next_phase, self._low = _phases(body, low_bits)
        self._start = body.listing.instructions[0].address
        code = profile.board.default_placement.code
        lines = [r.fetch_line_bytes for r in memory.regions if r.memory.name == code.name]
        waits = [r.fetch_wait_cycles for r in memory.regions if r.memory.name == code.name]
        self._residues = 4 if self._timing.pipeline.feels_alignment else 2
        if any(waits):
            self._residues = max(4, *lines)
        self._code_base = code.base + 64 * self._residues
        self._sizes = [instruction.size_bytes for instruction in body.listing.instructions]
        self._first_id, self._id_count = self._number_instructions()
        self._narrow = self._timing.narrowed(self._all_forms())
        self._states: dict[State, int] = {}
        self._by_number: list[State] = []
        self._table: dict[int, int] = {}
        self._entry = self._number_of(self._timing.initial_state())
        self._warm = (self._entry, 0)

    def cycles(self, order: Sequence[int], forms: Sequence[int]) -> Fraction:
        """Return the cycles per iteration; of a single run for straight-line code."""
        return self._run(order, forms, (self._entry, 0))

    def estimate(self, order: Sequence[int], forms: Sequence[int]) -> Fraction:
        """Return the same, beginning in the steady state of the order before, to get there soon.

        It differs only where a loop has several steady states.
        """
        return self._run(order, forms, self._warm)

    def _run(self, order: Sequence[int], forms: Sequence[int], start: tuple[int, int]) -> Fraction:
        ids = self._ids(order, forms)
        table, count = self._table, self._id_count
        (state, phase), total = start, 0
        seen: dict[tuple[int, int], tuple[int, int]] = {}
        iteration = 0
        while (state, phase) not in seen:
            seen[state, phase] = iteration, total
            shift = phase * self._per_phase
            for number in ids:
                key = state * count + number + shift
                found = table.get(key)
                if found is None:
                    found = self._issue(state, number + shift, key)
                total += found & _CYCLES
                state = found >> _CYCLE_BITS
            if self.body.listing.branch is None:
                return Fraction(total)
            iteration += 1
            phase = self._next_phase[phase]
        self._warm = state, phase
        first, before = seen[state, phase]
        return Fraction(total - before, iteration - first)

    def picture(self, order: Sequence[int], forms: Sequence[int]) -> list[IssuedInstruction]:
        """Return how one iteration issues in the steady state."""
        ids = self._ids(order, forms)
        state, phase, seen = self._entry, 0, set()
        while (state, phase) not in seen and self.body.listing.branch is not None:
            seen.add((state, phase))
            for number in ids:
                full = number + phase * self._per_phase
                key = state * self._id_count + full
                state = (self._table.get(key) or self._issue(state, full, key)) >> _CYCLE_BITS
            phase = self._next_phase[phase]
        shown, current = [], self._by_number[state]
        for number in ids:
            instruction, access, is_branch = self._subject(number + phase * self._per_phase)
            issue = self._timing.issue(current, instruction, access)
            shown.append(IssuedInstruction(instruction, issue.cycles, issue.stalls))
            current = self._timing.redirect(issue.state, Edge.TAKEN) if is_branch else issue.state
        return shown

    def floor(self) -> int:
        """Return cycles that no order goes below.

        Every instruction takes its cycles, save for as many as could be the younger of a pair if
        any two could meet; and the branch costs its refill.
        """
        timing, nop = self._timing, decode(_NOP, self._code_base)
        idle = timing.initial_state()
        warm = idle
        for _ in range(4):  # narrow instructions let more pair behind a branch
            warm = timing.issue(warm, nop, Access()).state
        states = (idle, timing.stall(warm, _LONG_CYCLES))
        count = len(self._first_id)
        subjects = [self._subject(first) for first in self._first_id]
        own = [min(timing.issue(s, i, a).cycles for s in states) for i, a, _ in subjects]
        behind = [[timing.issue(s, i, a).state for s in states] for i, a, _ in subjects]
        if self.body.listing.branch is not None:
            behind[-1] = [timing.redirect(s, Edge.TAKEN) for s in behind[-1]]

        def cost(first: int, then: int) -> int:
            instruction, access, _ = subjects[then]
            return min(timing.issue(s, instruction, access).cycles for s in behind[first])

        pairs = largest_pairing(count, lambda i, j: cost(i, j) == 0)
        refill = 0
        if self.body.listing.branch is not None:
            refill = max(0, min(cost(count - 1, j) - own[j] for j in range(count)))
        return sum(own) - pairs + refill

    # Numbers for instructions, each in its form, at its place in a fetch line, and in its phase.

    def _all_forms(self) -> list[Instruction]:
        branch = self.body.listing.branch
        forms = [form for variants in self.body.variants for form in variants if form is not None]
        return forms if branch is None else [*forms, branch]

    def _number_instructions(self) -> tuple[list[int], int]:
        self._places = self._residues // 2
        first, number = [], 0
        self._by_id: list[tuple[int, int]] = []
        variants = [len(v) for v in self.body.variants]
        if self.body.listing.branch is not None:
            variants.append(1)
        for node, forms in enumerate(variants):
            first.append(number)
            number += forms * self._places
            self._by_id += [(node, form) for form in range(forms) for _ in range(self._places)]
        self._per_phase = number
        return first, number * len(self._next_phase)

    def _ids(self, order: Sequence[int], forms: Sequence[int]) -> list[int]:
        places, first, sizes = self._places, self._first_id, self._sizes
        place = (self._start >> 1) % places
        ids = []
        for node, form in zip(order, forms, strict=True):
            ids.append(first[node] + form * places + place)
            place = (place + (sizes[node] >> 1)) % places
        if self.body.listing.branch is not None:
            ids.append(first[-1] + place)
        return ids

    def _subject(self, number: int) -> tuple[Instruction, Access, bool]:
        """Return the instruction, its access, and whether it is the branch back."""
        phase, within = divmod(number, self._per_phase)
        node, form = self._by_id[within]
        is_branch = node == len(self.body.variants)
        instruction = self.body.listing.branch if is_branch else self.body.variants[node][form]
        assert instruction is not None
        place = 2 * (within % self._places)
        placed = replace(instruction, address=self._code_base + place)
        low = 0 if is_branch else self._low[phase][node]
        access = self._timing.access(self._wait_class, low, executed=True, bits=_QUOTIENT_BITS)
        return placed, access, is_branch

    def _issue(self, state: int, number: int, key: int) -> int:
        instruction, access, is_branch = self._subject(number)
        issue = self._timing.issue(self._by_number[state], instruction, access)
        after = self._timing.redirect(issue.state, Edge.TAKEN) if is_branch else issue.state
        found = self._number_of(after) << _CYCLE_BITS | issue.cycles
        self._table[key] = found
        return found

    def _number_of(self, state: State) -> int:
        state = self._narrow(state)
        number = self._states.get(state)
        if number is None:
            number = self._states[state] = len(self._by_number)
            self._by_number.append(state)
        return number


def _phases(body: Body, low_bits: dict[int, int]) -> tuple[list[int], list[list[int]]]:
    """Follow the low address bits from iteration to iteration until they repeat.

    Returns:
        For each phase the one after it, and the low bits of each instruction's address.
    """
    values = {r: low_bits.get(r, 0) for r in _address_registers(body.listing.instructions)}
    seen: dict[tuple[int, ...], int] = {}
    low: list[list[int]] = []
    while (key := tuple(values.values())) not in seen:
        seen[key] = len(low)
        addresses = []
        for instruction in body.listing.instructions:
            addresses.append(_address(instruction, values) & 7)
            _advance(instruction, values)
        low.append(addresses)
    return [*range(1, len(low)), seen[key]], low


def _address_registers(instructions: Sequence[Instruction]) -> list[int]:
    """Return the registers that addresses are made of, and those that these are made of."""
    found = {r for i in instructions if i.memory is not None for r in i.memory.registers}
    count = -1
    while len(found) > count:
        count = len(found)
        found |= {r for i in instructions if found & {*i.writes} for r in i.reads if r < PC}
    return sorted(found)


def _address(instruction: Instruction, values: dict[int, int]) -> int:
    memory = instruction.memory
    if memory is None:
        return 0
    base = 0 if memory.base == PC else values[memory.base]
    index = 0 if memory.index is None else values[memory.index] << memory.shift
    return base + index + memory.offset


def _advance(instruction: Instruction, values: dict[int, int]) -> None:
    copied = dict(values)
    for register in instruction.writes:
        if register not in values:
            continue
        step = base_step(instruction, register)
        if step is None:
            values[register] = _constant(instruction, copied)
        else:
            values[register] = copied[register] + step & 7


def _constant(instruction: Instruction, values: dict[int, int]) -> int:
    """Return the low bits that a plain move or addition gives, 0 where they are not known."""
    sources = instruction.operands[1:]
    if instruction.is_predicated or instruction.mnemonic not in ("add", "sub", "mov", "movw"):
        return 0
    total = 0
    for source in sources:
        if isinstance(source, Immediate):
            total += -source.value if instruction.mnemonic == "sub" else source.value
        elif source.shift is None and isinstance(source, Register) and source.number < PC:
            total += values[source.number]
        else:
            return 0
    return total & 7 if instruction.mnemonic != "sub" or len(sources) == 2 else 0
