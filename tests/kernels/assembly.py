"""An interpreter of the few instructions that the emitters use: their code without an assembler."""

import re
from collections.abc import Callable, Iterable

_MASK = 0xFFFFFFFF


def _signed(value: int, bits: int = 32) -> int:
    value &= (1 << bits) - 1
    return value - (value >> (bits - 1) << bits)


def _clip(value: int, bits: int) -> int:
    return max(-(1 << (bits - 1)), min(value, (1 << (bits - 1)) - 1))


class Interpreter:
    """Registers and memory; loads see halfwords, stores leave bytes.

    Attributes:
        registers: By name.
        stored: Address -> byte.
        counts: How often each mnemonic ran, without width.
    """

    def __init__(self, lanes: dict[int, int], registers: dict[str, int]) -> None:
        self.lanes = lanes
        self.registers = dict(registers)
        self.stored: dict[int, int] = {}
        self.counts: dict[str, int] = {}
        self.flags = 0
        self.skips = False

    def run(self, lines: Iterable[str]) -> None:
        """Run instructions one after the other; labels, directives, push and pop are passed."""
        for line in lines:
            text = line.strip()
            if text and not text.startswith(".") and not re.match(r"(push|pop)|\w+:$", text):
                self._step(text)

    def _step(self, text: str) -> None:
        mnemonic, _, rest = text.partition(" ")
        mnemonic = mnemonic.removesuffix(".w")
        operands = [part.strip() for part in re.split(r",(?![^\[]*\])", rest)]
        skipped, self.skips = self.skips, False
        if mnemonic == "it":
            self.skips = not (self.flags < 0 if operands == ["lt"] else self.flags > 0)
            return
        if skipped:
            return
        if mnemonic not in ("movt", "movw"):
            mnemonic = re.sub(r"^(mov|mvn)(lt|gt)$", r"\1", mnemonic)
            mnemonic = re.sub(r"^(add|sub)[sw]$", r"\1", mnemonic)
        self.counts[mnemonic] = self.counts.get(mnemonic, 0) + 1
        if mnemonic in ("ldr", "strb"):
            self._access(mnemonic, *operands)
        elif mnemonic in ("cmp", "cmn"):
            other = self._value(operands[1])
            self.flags = self._value(operands[0]) - (other if mnemonic == "cmp" else -other)
        else:
            self._compute(mnemonic, *operands)

    def _access(self, mnemonic: str, register: str, place: str) -> None:
        base, _, offset = place.strip("[]").partition(", #")
        if base == "sp":
            self.registers[register] = self.registers["output"]
            return
        address = self.registers[base] + int(offset)
        if mnemonic == "strb":
            assert address not in self.stored
            self.stored[address] = _signed(self.registers[register], 8)
        else:
            low, high = self.lanes[address], self.lanes[address + 2]
            self.registers[register] = (low & 0xFFFF) | (high & 0xFFFF) << 16

    def _compute(self, mnemonic: str, target: str, *operands: str) -> None:
        shift = operands[-1] if operands[-1].startswith(("asr", "lsl")) else ""
        values = [self._value(operand) for operand in operands if operand != shift]
        if shift:
            values[-1] >>= int(shift.split("#")[1])
        operation = _OPERATIONS[mnemonic]
        if mnemonic == "movt":
            values.append(self.registers[target])
        self.registers[target] = operation(*values) & _MASK

    def _value(self, operand: str) -> int:
        if operand.startswith("#"):
            return int(operand[1:], 0)
        return _signed(self.registers[operand])


def _dual(a: int, b: int, total: int) -> int:
    return total + _signed(a, 16) * _signed(b, 16) + (a >> 16) * (b >> 16)


def _upper(a: int, b: int, total: int = 0) -> int:
    return total + (a * b + (1 << 31) >> 32)


_OPERATIONS: dict[str, Callable[..., int]] = {
    "mov": lambda a: a,
    "movw": lambda a: a,
    "movt": lambda a, old: a << 16 | old & 0xFFFF,
    "mvn": lambda a: ~a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "lsl": lambda a, b: a << b,
    "asr": lambda a, b: a >> b,
    "qadd": lambda a, b: _clip(a + b, 32),
    "smlad": _dual,
    "smmlar": _upper,
    "smmulr": _upper,
    "ssat": lambda bits, a: _clip(a, bits),
}
