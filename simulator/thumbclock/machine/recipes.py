"""Recipes: how the dynamic inputs of a code unit follow from the registers at its entry.

The cost of a unit depends on more than its bytes: on alignment, bank and memory of its accesses, on
the operands of its divides, on which predicated instructions ran. A recipe is the slice of the unit
that computes these, as a short program for the native hook, which evaluates it at the unit's entry
and packs the answers into one word, the *inputs*. The pipeline model sees only what is in that
word, so a table indexed by it is exact.

Values are symbolic while a unit is analysed: a node (an expression over entry registers and memory)
plus a constant. Where something cannot be expressed, the unit must end in front of the instruction
that needs it, and a native hook on that address starts a new unit with everything known again.

One thing escapes: inside a single IT block no unit can start, so a value that comes from the same
block through an operation that recipes do not have (a long or DSP multiply, CLZ, a load behind a
predicated store, a condition on C or V behind a predicated TST) leaves an access there with the
model's default: executed, aligned, quotient 0.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Literal

from thumbclock.cores import Access, PipelineModel
from thumbclock.isa import Instruction, Kind, Memory
from thumbclock.isa.instruction import FLAGS, PC, SP, Immediate, Operand, Register, Shift
from thumbclock.memory import Timing

__all__ = ["Analysis", "Op", "Touch", "analyse"]

_MASK = 0xFFFFFFFF
_BANK_BITS = 3  # byte in word, and the even or odd word
_SKIP_SHIFT, _WANTS_CLASS = 3, 0x80  # in the b field of a root operation
_CLASS_BITS = 4
_QUOTIENT_BITS = 6
_INPUT_BITS = 62
_MAX_SLOTS = 192
_MAX_STORES = 24
_NEAR_BYTES = 4096  # addresses of one base within this are taken to lie in one memory


class Op(IntEnum):
    """Operations of a recipe; ``dst``, ``a``, ``b`` are slots, ``imm`` is 32 bits."""

    REGISTER = 0
    CONSTANT = 1
    ADD = 2
    ADD_IMMEDIATE = 3
    SUBTRACT = 4
    AND = 5
    OR = 6
    XOR = 7
    MULTIPLY = 8
    SHIFT_LEFT = 9
    SHIFT_RIGHT = 10
    SHIFT_ARITHMETIC = 11
    ROTATE = 12
    SIGN_EXTEND = 13  # imm: width in bits
    DIVIDE_SIGNED = 14
    DIVIDE_UNSIGNED = 15
    LOAD = 16  # a: address; b: size, with bit 7 for signed
    STORE = 17  # dst: size; a: address; b: value
    CONDITION_COMPARE = 18  # imm: condition on a - b
    CONDITION_ADD = 19  # imm: condition on a + b
    CONDITION_LOGIC = 20  # imm: condition on the sign and zero of a
    CONDITION_ENTRY = 21  # imm: condition on the flags at entry
    SELECT = 22  # a ? b : slot imm
    # Outputs; dst is the position in the inputs word.
    # b of a root: how many low bits, how many of them to skip << 3, 128 for the wait class.
    ROOT_REGISTER = 23  # a: register; imm: to add
    ROOT = 24  # a: slot; imm: to add
    QUOTIENT = 25  # a: dividend; b: divisor; imm: 1 for signed
    EXECUTED = 26  # a: condition slot


@dataclass(frozen=True, slots=True)
class _Value:
    """A node plus a constant; node -1 stands for zero."""

    node: int
    constant: int


@dataclass(frozen=True, slots=True)
class _Node:
    op: Op
    a: int = 0
    b: int = 0
    imm: int = 0
    known: bool = True
    last_store: int = -1  # for a load: the store before it


@dataclass(frozen=True, slots=True)
class _Need:
    """Where in the inputs word an instruction finds an answer.

    For an address: what to add to the bits found there, how many low bits count, how many were left
    out below them, and at which bit the wait class begins (those left out counted).
    """

    instruction: int
    position: int
    delta: int = 0
    top: int = 0
    skip: int = 0
    class_after: int = 0


@dataclass(frozen=True, slots=True)
class Touch:
    """A load or store whose address the caches must see, as the recipe knows it at entry.

    Attributes:
        instruction: Index of the instruction.
        base: Entry register, slot of the recipe, or nothing.
        number: Number of the register or slot.
        constant: What to add.
        executed: Bit of the inputs word that says whether it runs; None where it always does.
    """

    instruction: int
    base: Literal["register", "slot", "none"]
    number: int
    constant: int
    executed: int | None


@dataclass
class Analysis:
    """A unit's recipe and how to read its answers.

    Attributes:
        instructions: The unit's instructions; shorter than asked where it had to be split.
        program: The recipe, one 64-bit word per operation.
        split_address: Where the next unit must start because a value is not known there, or None.
        stack_drop_bytes: How far below its entry value the stack pointer goes.
        moves_stack: Whether the stack pointer takes a value that was not followed.
        touches: Its loads and stores in program order, where the profile has caches.
    """

    instructions: tuple[Instruction, ...]
    program: list[int] = field(default_factory=list)
    split_address: int | None = None
    stack_drop_bytes: int = 0
    moves_stack: bool = False
    roots: list[_Need] = field(default_factory=list)
    constants: dict[int, int] = field(default_factory=dict)
    executed: list[_Need] = field(default_factory=list)
    quotients: list[_Need] = field(default_factory=list)
    has_classes: bool = False
    touches: list[Touch] = field(default_factory=list)

    def wait_classes(self, inputs: int, timing: Timing) -> list[int]:
        """Unpack the wait class of each instruction's access, 0 where it has none."""
        classes = [0] * len(self.instructions)
        for index, address in self.constants.items():
            classes[index] = timing.memory.wait_class_at(address)
        if self.has_classes:
            for need in self.roots:
                above = need.position + need.class_after - need.skip
                classes[need.instruction] = inputs >> above & (1 << _CLASS_BITS) - 1
        return classes

    def accesses(self, inputs: int, timing: Timing) -> list[Access]:
        """Unpack an inputs word into one access per instruction."""
        count = len(self.instructions)
        low, bits, executed = [0] * count, [0] * count, [True] * count
        wait_class = self.wait_classes(inputs, timing)
        for index, address in self.constants.items():
            low[index] = address & 7
        for need in self.roots:
            address = (inputs >> need.position << need.skip) + need.delta
            low[need.instruction] = address & (1 << need.top) - 1
        for need in self.executed:
            executed[need.instruction] = bool(inputs >> need.position & 1)
        for need in self.quotients:
            bits[need.instruction] = inputs >> need.position & 63
        return [
            timing.access(wait_class[i], low[i], executed=executed[i], bits=bits[i])
            for i in range(count)
        ]


def analyse(
    instructions: Sequence[Instruction],
    timing: Timing,
    read_word: Callable[[int], int | None],
    *,
    continues: bool,
) -> Analysis:
    """Work out the recipe of a unit.

    Args:
        instructions: The unit, in program order.
        timing: The model whose inputs are wanted.
        read_word: Reads a literal from code memory; None where nothing is mapped.
        continues: Whether the instruction before it in program order may be a load, rather than
            a branch or an access that nothing pairs with.
    """
    kept, split_address = instructions, None
    while True:
        analyser = _Analyser(kept, timing, read_word, continues)
        split = analyser.run()
        if split is None:
            analyser.result.split_address = split_address
            return analyser.result
        kept = kept[:split]
        split_address = kept[-1].end


@dataclass(frozen=True, slots=True)
class _Root:
    """What is asked of a node: the low bits of node + constant, less the lowest ones."""

    constant: int
    top: int
    skip: int

    def width(self, has_classes: bool) -> int:
        return self.top - self.skip + (_CLASS_BITS if has_classes else 0)


class _UnknownError(Exception):
    """A needed value does not follow from the unit's entry."""


@dataclass(frozen=True, slots=True)
class _Flags:
    """What the condition flags hold: the operation that set them.

    Where an instruction of an IT block may have set them, ``op`` is ``SELECT``: they are those of
    ``passed`` where the node ``choice`` is 1, else those of ``failed``.
    """

    op: Op | None
    a: _Value = _Value(-1, 0)
    b: _Value = _Value(-1, 0)
    choice: int = -1
    passed: "_Flags | None" = None
    failed: "_Flags | None" = None


_NO_FLAGS = _Flags(None)
_LOGIC_CONDITIONS = (0, 1, 4, 5)
_SHIFT_OPS = {
    Shift.LSL: Op.SHIFT_LEFT,
    Shift.LSR: Op.SHIFT_RIGHT,
    Shift.ASR: Op.SHIFT_ARITHMETIC,
    Shift.ROR: Op.ROTATE,
}
_SHIFT_MNEMONICS = {shift.value: op for shift, op in _SHIFT_OPS.items()}
_BINARY = {
    "and": Op.AND, "orr": Op.OR, "eor": Op.XOR, "mul": Op.MULTIPLY,
    "sdiv": Op.DIVIDE_SIGNED, "udiv": Op.DIVIDE_UNSIGNED,
}  # fmt: skip
_EXTENSIONS = {
    "sxtb": (8, True), "uxtb": (8, False), "sxth": (16, True), "uxth": (16, False),
    "sxtab": (8, True), "uxtab": (8, False), "sxtah": (16, True), "uxtah": (16, False),
}  # fmt: skip


class _Analyser:
    """One analysis: symbolic execution, then the slice that the answers need."""

    def __init__(
        self,
        instructions: Sequence[Instruction],
        timing: Timing,
        read_word: Callable[[int], int | None],
        continues: bool,
    ) -> None:
        self.continues = continues
        self.instructions = instructions
        self.timing = timing
        self.pipeline: PipelineModel = timing.pipeline
        self.read_word = read_word
        self.has_classes = timing.memory.has_classes
        self.nodes: list[_Node] = []
        self.interned: dict[_Node, int] = {}
        self.registers: dict[int, _Value] = {}
        self.flags = _Flags(Op.CONDITION_ENTRY)
        self.last_store = -1
        self.stores = 0
        self.stored: dict[tuple[int, int], tuple[_Value, int]] = {}
        self.positions: dict[tuple[Op, int, int, int], int] = {}  # op, a, b, imm -> bit
        self.output_bits = 0
        self.roots: dict[tuple[int, int], _Root] = {}  # by node and neighbourhood
        self.root_needs: list[tuple[int, tuple[int, int], int, int]] = []  # constant, top at end
        self.touched: list[tuple[int, _Value]] = []
        self.used_bits = 0
        self.used_nodes: set[int] = set()
        self.assumed: dict[int, bool] = {}  # conditions taken to hold or not to
        self.lost_stack: _Value | None = None
        self.lost_stack_end = 0
        self.result = Analysis(tuple(instructions), has_classes=self.has_classes)

    def run(self) -> int | None:
        """Fill in the result; return the index at which the unit must be split instead, if any."""
        for index, instruction in enumerate(self.instructions):
            self._assume(instruction)
            try:
                self._needs(index, instruction)
            except _UnknownError:
                split = self._split_index(index)
                if split:
                    return split
                # Not known from any boundary: the access keeps its default, aligned and executed.
            self._execute(instruction)
            if self._loses_stack(index):
                return self.lost_stack_end
        self.result.program = self._emit()
        return None

    def _split_index(self, index: int) -> int:
        """Return where to end the unit: at an instruction, or at the IT block that it is in."""
        while index and self.instructions[index].in_it_block:
            index -= 1
        return index

    # What the pipeline model must know.

    def _needs(self, index: int, instruction: Instruction) -> None:
        wants_execution = self.pipeline.needs_execution(instruction)
        if wants_execution:
            node = self._condition(instruction.condition)
            position = self._output(Op.EXECUTED, node, 0, 0, 1)
            self.result.executed.append(_Need(index, position))
        if instruction.kind is Kind.DIVIDE:
            a, b = (self._operand(operand) for operand in instruction.operands[-2:])
            signed = int(instruction.mnemonic == "sdiv")
            position = self._output(
                Op.QUOTIENT, self._node(a), self._node(b), signed, _QUOTIENT_BITS
            )
            self.result.quotients.append(_Need(index, position))
        if instruction.memory is not None:
            self._address_need(index, instruction, instruction.memory)

    def _address_need(self, index: int, instruction: Instruction, memory: Memory) -> None:
        address = self._address(memory)
        touches = self.timing.has_caches and instruction.kind is not Kind.PRELOAD
        if address.node < 0:
            self.result.constants[index] = address.constant
            if touches:
                self.touched.append((index, address))
            return
        top, skip = self._wanted_bits(index, instruction, memory, address)
        if not self.has_classes:
            address = self._reduce(address, top)
            if address.node < 0:
                self.result.constants[index] = address.constant
                return
            if not top:
                return
        self._want_root(index, address, top, skip)
        if touches:
            self.touched.append((index, address))

    def _want_root(self, index: int, address: _Value, top: int, skip: int) -> None:
        """Ask for low bits of an address; those of one node are answered together.

        Where memories differ, that is so for addresses near each other only: constants that are
        far apart are the bases of two tables, which may lie in two memories.
        """
        constant = address.constant & _MASK
        near = (constant + _NEAR_BYTES // 2 & _MASK) // _NEAR_BYTES if self.has_classes else 0
        key = (address.node, near)
        root = self.roots.get(key)
        merged, reserved = _Root(constant, top, skip), 0
        if root is not None:
            # Bits may only be skipped where nothing is added below them.
            skip = min(root.skip, skip) if root.constant == constant else 0
            merged = _Root(root.constant, max(root.top, top), skip)
            reserved = root.width(self.has_classes)
        self._reserve((address.node,), merged.width(self.has_classes) - reserved)
        self.roots[key] = merged
        self.root_needs.append((index, key, constant, top))

    def _wanted_bits(
        self, index: int, instruction: Instruction, memory: Memory, address: _Value
    ) -> tuple[int, int]:
        """Return how many low address bits matter, and how many of them can be skipped."""
        node = self.nodes[address.node]
        on_stack = node.op is Op.REGISTER and node.imm == SP and address.constant % 4 == 0
        bits = 0
        if not on_stack and (memory.needs_alignment or self.pipeline.needs_alignment(instruction)):
            bits = {1: 0, 2: 1, 4: 2}[memory.size_bytes]
        if not self.pipeline.has_banked_loads:
            return bits, 0
        if memory.is_load:
            banked = memory.count == 1 and self._may_pair_with_load(index)
        else:
            banked = memory.size_bytes < 4 or memory.count > 1
        if not banked:
            return bits, 0
        return _BANK_BITS, 0 if bits else _BANK_BITS - 1

    def _reduce(self, value: _Value, bits: int) -> _Value:
        """Return a simpler value that agrees in its low bits."""
        if value.node < 0:
            return value
        node = self.nodes[value.node]
        if not node.known:
            return value
        zero = _Value(-1, 0)
        reduced = None
        match node.op:
            case Op.ADD:
                a = self._reduce(_Value(node.a, 0), bits)
                reduced = self._add(a, self._reduce(_Value(node.b, 0), bits))
            case Op.ADD_IMMEDIATE:
                reduced = self._add(self._reduce(_Value(node.a, 0), bits), _Value(-1, node.imm))
            case Op.SHIFT_LEFT if self.nodes[node.b].op is Op.CONSTANT:
                reduced = zero if self.nodes[node.b].imm >= bits else None
            case Op.AND if self.nodes[node.b].op is Op.CONSTANT:
                kept = self.nodes[node.b].imm & (1 << bits) - 1
                if kept == 0:
                    reduced = zero
                elif kept == (1 << bits) - 1:
                    reduced = self._reduce(_Value(node.a, 0), bits)
        if reduced is None:
            return value
        return self._add(reduced, _Value(-1, value.constant))

    def _may_pair_with_load(self, index: int) -> bool:
        first, last = index == 0, index == len(self.instructions) - 1
        if last or (first and self.continues):
            return True
        neighbours = self.instructions[max(0, index - 1) : index + 2]
        neighbours = [n for n in neighbours if n is not self.instructions[index]]
        return any(n.memory is not None and n.memory.is_load for n in neighbours)

    def _output(self, op: Op, a: int, b: int, imm: int, width: int) -> int:
        """Reserve bits of the inputs word for an answer, once per distinct answer."""
        key = (op, a, b, imm)
        if key in self.positions:
            return self.positions[key]
        self._reserve((a, b) if op is Op.QUOTIENT else (a,), width)
        # The roots' bits lie below these; how many those are is known at the end.
        self.positions[key] = self.output_bits
        self.output_bits += width
        return self.positions[key]

    def _reserve(self, nodes: tuple[int, ...], width: int) -> None:
        """Take nodes into the recipe and bits of the inputs word, or raise where that cannot be."""
        used = set(self.used_nodes)
        for node in nodes:
            self._collect(node, used)
        if self.used_bits + width > _INPUT_BITS or len(used) > _MAX_SLOTS:
            raise _UnknownError
        self.used_nodes = used
        self.used_bits += width

    def _collect(self, node: int, into: set[int]) -> None:
        """Add a node and all that it depends on; a load depends on the stores before it."""
        pending = [node]
        while pending:
            current = pending.pop()
            if current < 0 or current in into:
                continue
            found = self.nodes[current]
            if not found.known:
                raise _UnknownError
            into.add(current)
            pending.extend(_dependencies(found))
        if sum(self.nodes[n].op is Op.STORE for n in into) > _MAX_STORES:
            raise _UnknownError

    # Symbolic execution.

    def _intern(self, node: _Node) -> int:
        if node.known and node.op is not Op.STORE and node in self.interned:
            return self.interned[node]
        self.nodes.append(node)
        number = len(self.nodes) - 1
        self.interned[node] = number
        return number

    def _unknown(self) -> _Value:
        self.nodes.append(_Node(Op.CONSTANT, known=False))
        return _Value(len(self.nodes) - 1, 0)

    def _node(self, value: _Value) -> int:
        """Return a node that holds the whole value."""
        if value.node < 0:
            return self._intern(_Node(Op.CONSTANT, imm=value.constant & _MASK))
        if value.constant & _MASK == 0:
            return value.node
        return self._intern(_Node(Op.ADD_IMMEDIATE, value.node, 0, value.constant & _MASK))

    def _register(self, number: int) -> _Value:
        if number not in self.registers:
            self.registers[number] = _Value(self._intern(_Node(Op.REGISTER, imm=number)), 0)
        value = self.registers[number]
        while value.node >= 0 and self.nodes[value.node].a in self.assumed:
            node = self.nodes[value.node]
            if node.op is not Op.SELECT:
                break
            chosen = node.b if self.assumed[node.a] else node.imm
            value = _Value(chosen, value.constant)
        return value

    def _assume(self, instruction: Instruction) -> None:
        """Take a predicated instruction to run: only then does it matter what it reads.

        What the other branch of its IT block wrote is then not what it reads.
        """
        self.assumed = {}
        if not instruction.is_predicated:
            return
        with suppress(_UnknownError):
            self.assumed = {
                self._condition(instruction.condition): True,
                self._condition(instruction.condition ^ 1): False,
            }

    def _operand(self, operand: Operand) -> _Value:
        if isinstance(operand, Immediate):
            return _Value(-1, operand.value & _MASK)
        if operand.number >= 16:
            return self._unknown()
        value = self._register(operand.number)
        if operand.shift is None:
            return value
        if operand.shift is Shift.RRX:
            return self._unknown()
        return self._binary(_SHIFT_OPS[operand.shift], value, _Value(-1, operand.amount))

    def _add(self, a: _Value, b: _Value) -> _Value:
        constant = (a.constant + b.constant) & _MASK
        if a.node < 0 or b.node < 0:
            return _Value(max(a.node, b.node), constant)
        return _Value(self._intern(_Node(Op.ADD, a.node, b.node)), constant)

    def _binary(self, op: Op, a: _Value, b: _Value) -> _Value:
        if a.node < 0 and b.node < 0:
            folded = _fold(op, a.constant & _MASK, b.constant & _MASK)
            if folded is not None:
                return _Value(-1, folded)
        return _Value(self._intern(_Node(op, self._node(a), self._node(b))), 0)

    def _subtract(self, a: _Value, b: _Value) -> _Value:
        if b.node < 0:
            return self._add(a, _Value(-1, -b.constant & _MASK))
        return self._binary(Op.SUBTRACT, a, b)

    def _not(self, value: _Value) -> _Value:
        return self._binary(Op.XOR, value, _Value(-1, _MASK))

    def _address(self, memory: Memory) -> _Value:
        if memory.base == PC:
            address = _Value(-1, memory.offset & _MASK)
        else:
            address = self._add(self._register(memory.base), _Value(-1, memory.offset & _MASK))
        if memory.index is None:
            return address
        index = self._register(memory.index)
        if memory.shift:
            index = self._binary(Op.SHIFT_LEFT, index, _Value(-1, memory.shift))
        return self._add(address, index)

    def _load(self, address: _Value, memory: Memory, *, literal: bool) -> _Value:
        size = memory.size_bytes
        if literal and size == 4 and address.node < 0:
            word = self.read_word(address.constant & _MASK)
            return _Value(-1, word) if word is not None else self._unknown()
        stored = self.stored.get((address.node, address.constant & _MASK))
        if stored is not None and stored[1] == size == 4:
            return stored[0]
        flags = size | (0x80 if memory.is_signed else 0)
        last_store = self.last_store
        if address.node >= 0 and last_store >= 0 and self._misses_all_stores(address, size):
            last_store = -1
        node = _Node(Op.LOAD, self._node(address), flags, self.stores, last_store=last_store)
        return _Value(self._intern(node), 0)

    def _misses_all_stores(self, address: _Value, size: int) -> bool:
        """Return whether all stores so far went elsewhere relative to the same base."""
        if len(self.stored) != self.stores:
            return False
        for (node, constant), (_, stored_size) in self.stored.items():
            distance = (address.constant - constant) & _MASK
            apart = stored_size <= distance <= _MASK + 1 - size
            if node != address.node or not apart:
                return False
        return True

    def _store(self, address: _Value, value: _Value, size: int) -> None:
        node = _Node(
            Op.STORE,
            self._node(address),
            self._node(value),
            size,
            last_store=self.last_store,
        )
        self.last_store = self._intern(node)
        self.stores += 1
        overlapping = [
            key
            for key, (_, stored_size) in self.stored.items()
            if key[0] != address.node
            or not stored_size <= (address.constant - key[1]) & _MASK <= _MASK + 1 - size
        ]
        for key in overlapping:
            del self.stored[key]
        self.stored[address.node, address.constant & _MASK] = (value, size)

    def _execute(self, instruction: Instruction) -> None:
        before = dict(self.registers)
        memory = instruction.memory
        if memory is not None:
            written = self._execute_memory(instruction, memory)
        else:
            written = self._execute_data(instruction)
        flags = self.flags
        if FLAGS in instruction.writes:
            flags = self._flags_after(instruction, before, written)
        if instruction.is_predicated and written:
            self._select(instruction.condition, written)
        self.flags = flags
        self.registers.update(written)

    def _select(self, condition: int, written: dict[int, _Value]) -> None:
        self.assumed = {}  # what stood there before counts where it does not run
        try:
            node = self._condition(condition)
        except _UnknownError:
            written.update({number: self._unknown() for number in written})
            return
        for number, value in written.items():
            old = self._node(self._register(number))
            chosen = _Node(Op.SELECT, node, self._node(value), old)
            written[number] = _Value(self._intern(chosen), 0)

    def _execute_memory(self, instruction: Instruction, memory: Memory) -> dict[int, _Value]:
        address = self._address(memory)
        written: dict[int, _Value] = {}
        transferred = [
            r for r in instruction.writes if r != memory.base or memory.writeback is None
        ]
        if memory.is_load:
            if instruction.kind is Kind.LOAD_MULTIPLE and memory.base in instruction.writes:
                transferred = list(instruction.writes[: memory.count])
            for position, register in enumerate(transferred):
                if register >= 16 or instruction.kind in (Kind.PRELOAD, Kind.TABLE_BRANCH):
                    continue
                place = self._add(address, _Value(-1, 4 * position))
                written[register] = self._load(place, memory, literal=memory.base == PC)
        elif instruction.is_predicated or instruction.kind is Kind.STORE_EXCLUSIVE:
            # Whether it stores is not known here, so later loads are not either.
            self._store(self._unknown(), self._unknown(), memory.size_bytes)
            written = {r: self._unknown() for r in instruction.writes if r < 16}
        else:
            for position, register in enumerate(instruction.stored):
                value = self._register(register) if register < 16 else self._unknown()
                place = self._add(address, _Value(-1, 4 * position))
                self._store(place, value, memory.size_bytes)
        if memory.writeback is not None:
            base = self._register(memory.base)
            written[memory.base] = self._add(base, _Value(-1, memory.writeback & _MASK))
        return written

    def _execute_data(self, instruction: Instruction) -> dict[int, _Value]:
        targets = [register for register in instruction.writes if register < 15]
        if not targets:
            return {}
        value = self._data_value(instruction) if len(targets) == 1 else None
        if value is None:
            return {register: self._unknown() for register in targets}
        return {targets[0]: value}

    def _data_value(self, instruction: Instruction) -> _Value | None:
        name, operands = instruction.mnemonic, instruction.operands
        if any(isinstance(o, Register) and o.number == PC for o in operands[1:]):
            operands = tuple(
                Immediate((instruction.address + 4) & ~3)
                if isinstance(o, Register) and o.number == PC
                else o
                for o in operands
            )
        *_, last = operands if operands else (None,)
        if last is None:
            return None
        if name in ("mov", "movw") and len(operands) == 2:
            return self._operand(last)
        if name == "mvn":
            return self._not(self._operand(last))
        if name == "movt":
            low = self._binary(Op.AND, self._operand(operands[0]), _Value(-1, 0xFFFF))
            assert isinstance(last, Immediate)
            return self._binary(Op.OR, low, _Value(-1, last.value << 16))
        if name == "adr":
            assert isinstance(last, Immediate)
            return _Value(-1, (((instruction.address + 4) & ~3) + last.value) & _MASK)
        if name in _EXTENSIONS:
            return self._extension(name, operands)
        if name in ("ubfx", "sbfx"):
            return self._bitfield(name, operands)
        if name in ("mla", "mls"):
            product = self._binary(
                Op.MULTIPLY, self._operand(operands[1]), self._operand(operands[2])
            )
            accumulator = self._operand(operands[3])
            if name == "mla":
                return self._add(accumulator, product)
            return self._subtract(accumulator, product)
        if len(operands) not in (2, 3):
            return None
        return self._two_operand(name, self._operand(operands[-2]), self._operand(last))

    def _two_operand(self, name: str, a: _Value, b: _Value) -> _Value | None:
        match name:
            case "add" | "addw":
                return self._add(a, b)
            case "sub" | "subw":
                return self._subtract(a, b)
            case "rsb" | "neg":
                return self._subtract(b, a)
            case "bic":
                return self._binary(Op.AND, a, self._not(b))
            case "orn":
                return self._binary(Op.OR, a, self._not(b))
        if name in _SHIFT_MNEMONICS:
            if b.node >= 0:
                b = self._binary(Op.AND, b, _Value(-1, 0xFF))
            return self._binary(_SHIFT_MNEMONICS[name], a, b)
        if name in _BINARY:
            return self._binary(_BINARY[name], a, b)
        return None

    def _extension(self, name: str, operands: tuple[Operand, ...]) -> _Value:
        width, signed = _EXTENSIONS[name]
        value = self._operand(operands[-1])
        extended = self._extend(value, width, signed)
        if len(operands) == 3:
            return self._add(self._operand(operands[1]), extended)
        return extended

    def _extend(self, value: _Value, width: int, signed: bool) -> _Value:
        if not signed:
            return self._binary(Op.AND, value, _Value(-1, (1 << width) - 1))
        return _Value(self._intern(_Node(Op.SIGN_EXTEND, self._node(value), 0, width)), 0)

    def _bitfield(self, name: str, operands: tuple[Operand, ...]) -> _Value | None:
        low, width = operands[-2], operands[-1]
        if not isinstance(low, Immediate) or not isinstance(width, Immediate):
            return None
        shifted = self._binary(Op.SHIFT_RIGHT, self._operand(operands[1]), _Value(-1, low.value))
        return self._extend(shifted, width.value, name == "sbfx")

    # Flags and conditions.

    def _flags_after(
        self, instruction: Instruction, before: dict[int, _Value], written: dict[int, _Value]
    ) -> _Flags:
        """Return the flags behind an instruction that sets them where its condition holds."""
        after, self.registers = self.registers, before
        flags = self._flags_set_by(instruction, written)
        self.registers = after
        if not instruction.is_predicated:
            return flags
        try:
            choice = self._condition(instruction.condition)
        except _UnknownError:
            return _NO_FLAGS
        return _Flags(Op.SELECT, choice=choice, passed=flags, failed=self.flags)

    def _flags_set_by(self, instruction: Instruction, written: dict[int, _Value]) -> _Flags:
        operands, name = instruction.operands, instruction.mnemonic
        if name in ("cmp", "sub", "cmn", "add") and len(operands) >= 2:
            op = Op.CONDITION_COMPARE if name in ("cmp", "sub") else Op.CONDITION_ADD
            return _Flags(op, self._operand(operands[-2]), self._operand(operands[-1]))
        if name == "rsb" and len(operands) >= 2:
            a, b = self._operand(operands[-1]), self._operand(operands[-2])
            return _Flags(Op.CONDITION_COMPARE, a, b)
        if name in ("tst", "teq"):
            a, b = (self._operand(operand) for operand in operands)
            op = Op.AND if name == "tst" else Op.XOR
            return _Flags(Op.CONDITION_LOGIC, self._binary(op, a, b))
        if name not in ("adc", "sbc") and len(written) == 1:
            (value,) = written.values()
            return _Flags(Op.CONDITION_LOGIC, value)
        return _NO_FLAGS

    def _condition(self, condition: int, flags: _Flags | None = None) -> int:
        """Return a node that is 1 where the condition holds, by the present flags or by others."""
        flags = flags or self.flags
        if flags.op is None:
            raise _UnknownError
        if flags.op is Op.SELECT:
            passed = self._condition(condition, flags.passed)
            failed = self._condition(condition, flags.failed)
            return self._intern(_Node(Op.SELECT, flags.choice, passed, failed))
        if flags.op is Op.CONDITION_ENTRY:
            return self._intern(_Node(Op.CONDITION_ENTRY, imm=condition))
        if flags.op is Op.CONDITION_LOGIC:
            if condition not in _LOGIC_CONDITIONS:
                raise _UnknownError
            return self._intern(_Node(Op.CONDITION_LOGIC, self._node(flags.a), 0, condition))
        node = _Node(flags.op, self._node(flags.a), self._node(flags.b), condition)
        return self._intern(node)

    # The stack pointer.

    def _loses_stack(self, index: int) -> bool:
        """Follow the stack pointer; return whether the unit must end where it was lost.

        A value that was not followed is read when the next unit starts. That is too late where the
        stack pointer moves on within the unit, unless it only rises, as in an epilogue.
        """
        value = self.registers.get(SP)
        if value is None:
            return False
        if value.node >= 0 and self.nodes[value.node] == _Node(Op.REGISTER, imm=SP):
            drop = -value.constant & _MASK
            if drop < 1 << 31:
                self.result.stack_drop_bytes = max(self.result.stack_drop_bytes, drop)
            return self._ends_behind_lost_stack()
        before, self.lost_stack = self.lost_stack, value
        self.result.moves_stack = True
        if before is None:
            split = index + 1
            while split < len(self.instructions) and self.instructions[split].in_it_block:
                split += 1
            self.lost_stack_end = split
            return False
        rise = value.constant - before.constant & _MASK
        return (value.node != before.node or rise >> 31 == 1) and self._ends_behind_lost_stack()

    def _ends_behind_lost_stack(self) -> bool:
        """Return whether the unit can end behind the instruction that lost the stack pointer."""
        return 0 < self.lost_stack_end < len(self.instructions)

    # The program.

    def _emit(self) -> list[int]:
        slots = {node: slot for slot, node in enumerate(sorted(self._emitted_nodes()))}
        program = []
        for node in sorted(slots):
            found = self.nodes[node]
            a = slots.get(found.a, 0)
            b, imm = found.b, found.imm
            if found.op is Op.SELECT:
                b, imm = slots[found.b], slots[found.imm]
            elif found.op is not Op.LOAD and found.op not in _UNARY_OPS:
                b = slots[found.b]
            if found.op is Op.STORE:
                program.append(_encode(found.op, imm, a, b, 0))
            else:
                program.append(_encode(found.op, slots[node], a, b, imm))
        places = self._place_roots(program, slots)
        above = sum(root.width(self.has_classes) for root in self.roots.values())
        for (op, a, b, imm), position in self.positions.items():
            second = slots[b] if op is Op.QUOTIENT else 0
            program.append(_encode(op, above + position, slots[a], second, imm))
        self._resolve_needs(places, above)
        self._resolve_touches(slots)
        return program

    def _place_roots(self, program: list[int], slots: dict[int, int]) -> dict[tuple[int, int], int]:
        """Append the roots' operations; return the position of each in the inputs word."""
        places, position = {}, 0
        for (node, near), root in self.roots.items():
            wanted = root.top | root.skip << _SKIP_SHIFT | (_WANTS_CLASS if self.has_classes else 0)
            found = self.nodes[node]
            if found.op is Op.REGISTER:
                word = _encode(Op.ROOT_REGISTER, position, found.imm, wanted, root.constant)
            else:
                word = _encode(Op.ROOT, position, slots[node], wanted, root.constant)
            program.append(word)
            places[node, near] = position
            position += root.width(self.has_classes)
        return places

    def _resolve_needs(self, places: dict[tuple[int, int], int], above: int) -> None:
        result = self.result
        for index, key, constant, top in self.root_needs:
            root = self.roots[key]
            delta = constant - root.constant
            result.roots.append(_Need(index, places[key], delta, top, root.skip, root.top))
        for needs in (result.executed, result.quotients):
            needs[:] = [replace(need, position=need.position + above) for need in needs]

    def _resolve_touches(self, slots: dict[int, int]) -> None:
        """State where the addresses that caches see are found at entry."""
        executed = {need.instruction: need.position for need in self.result.executed}
        for index, address in self.touched:
            constant = address.constant & _MASK
            found = self.nodes[address.node] if address.node >= 0 else None
            if found is None:
                touch = Touch(index, "none", 0, constant, executed.get(index))
            elif found.op is Op.REGISTER:
                touch = Touch(index, "register", found.imm, constant, executed.get(index))
            else:
                slot = slots[address.node]
                touch = Touch(index, "slot", slot, constant, executed.get(index))
            self.result.touches.append(touch)

    def _emitted_nodes(self) -> set[int]:
        """Return the used nodes, less the registers that only roots read."""
        needed: set[int] = set()
        for node in self.used_nodes:
            needed.update(n for n in _dependencies(self.nodes[node]) if n >= 0)
        needed.update(n for n, _ in self.roots if self.nodes[n].op is not Op.REGISTER)
        for op, a, b, _ in self.positions:
            needed.add(a)
            if op is Op.QUOTIENT:
                needed.add(b)
        stores = {n for n in self.used_nodes if self.nodes[n].op is Op.STORE}
        return (needed & self.used_nodes) | stores


_UNARY_OPS = {
    Op.REGISTER, Op.CONSTANT, Op.ADD_IMMEDIATE, Op.SIGN_EXTEND, Op.CONDITION_LOGIC,
    Op.CONDITION_ENTRY,
}  # fmt: skip
_LEAVES = {Op.REGISTER, Op.CONSTANT, Op.CONDITION_ENTRY}


def _dependencies(node: _Node) -> list[int]:
    if node.op in _LEAVES:
        return []
    found = [node.a]
    if node.op not in _UNARY_OPS and node.op is not Op.LOAD:
        found.append(node.b)
    if node.op is Op.SELECT:
        found.append(node.imm)
    if node.op in (Op.LOAD, Op.STORE):
        found.append(node.last_store)
    return found


def _encode(op: Op, dst: int, a: int, b: int, imm: int) -> int:
    return op | dst << 8 | a << 16 | b << 24 | (imm & _MASK) << 32


def _fold(op: Op, a: int, b: int) -> int | None:
    match op:
        case Op.AND:
            return a & b
        case Op.OR:
            return a | b
        case Op.XOR:
            return a ^ b
        case Op.MULTIPLY:
            return a * b & _MASK
        case Op.SHIFT_LEFT:
            return a << b & _MASK if b < 32 else 0
        case Op.SHIFT_RIGHT:
            return a >> b if b < 32 else 0
    return None
