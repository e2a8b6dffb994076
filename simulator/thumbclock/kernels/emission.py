"""Assembly whose weights are constants: what the emitters of several operators share.

A *block* is what stays in accumulators: some channels times up to four pixels. A *word* is a
pair of activations that one SMLAD multiplies with a pair of weights. `emit_products` puts loads,
constants and products in the order that a core wants; `emit_outputs` turns the sums into bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = [
    "ACCUMULATORS",
    "Channel",
    "Code",
    "Output",
    "Window",
    "Word",
    "emit_outputs",
    "emit_products",
    "function_text",
    "pack_lanes",
]

ACCUMULATORS = ("r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11")
"""Registers that hold the sums of a block, channel by channel."""

_WINDOW = "r0"
_POOL = ("r1", "r2", "r3", "r12", "lr")  # what the accumulators and the window's address leave
_URGENT = 2  # products ahead of which an operand must be on its way
_WORD = 0xFFFFFFFF


def pack_lanes(low: int, high: int) -> int:
    """Return the 32-bit word with two 16-bit lanes."""
    return (low & 0xFFFF) | (high & 0xFFFF) << 16


@dataclass
class Code:
    """Lines of assembly, and what is known of the registers behind them.

    Attributes:
        lines: Instructions.
        known: Constants that registers hold.
        moved: Bytes that have been added to registers with addresses.
        narrow: Whether accesses take 16-bit encodings where they can, which reach less far. Cores
            that fetch a word a cycle want 32 bits throughout.
    """

    narrow: bool = False
    lines: list[str] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)

    def emit(self, mnemonic: str, target: str, *operands: str) -> None:
        """Append an instruction that writes ``target``."""
        self.known.pop(target, None)
        self.lines.append(f"{mnemonic} {', '.join((target, *operands))}")

    def store(self, mnemonic: str, *operands: str) -> None:
        """Append an instruction that writes no register."""
        self.lines.append(f"{mnemonic} {', '.join(operands)}")

    def constant(self, register: str, value: int) -> None:
        """Append the shortest code that puts a 32-bit constant into a register."""
        for line in self.constant_code(register, value):
            self.lines.append(line)
        self.known[register] = value & _WORD

    def constant_code(self, register: str, value: int) -> list[str]:
        """Return that code, for the constants that registers hold now."""
        value &= _WORD
        if self.known.get(register) == value:
            return []
        if value < 1 << 16:
            return [f"movw {register}, #{value:#x}"]
        if _is_modified_immediate(value):
            return [f"mov.w {register}, #{value:#x}"]
        if _is_modified_immediate(value ^ _WORD):
            return [f"mvn {register}, #{value ^ _WORD:#x}"]
        for source, held in self.known.items():
            for mnemonic, step in (("add", value - held & _WORD), ("sub", held - value & _WORD)):
                if step < 1 << 12:
                    return [f"{mnemonic}w {register}, {source}, #{step:#x}"]
                if _is_modified_immediate(step):
                    return [f"{mnemonic}.w {register}, {source}, #{step:#x}"]
        held_here = self.known.get(register, -1)
        if held_here & 0xFFFF == value & 0xFFFF and held_here >= 0:
            return [f"movt {register}, #{value >> 16:#x}"]
        return [f"movw {register}, #{value & 0xFFFF:#x}", f"movt {register}, #{value >> 16:#x}"]

    def load(self, register: str, base: str, offset: int) -> None:
        """Append the load of a word at an offset from where an address register started."""
        self._reach(base, offset, 124 if self.narrow else 4095)
        width = "" if self.narrow else ".w"
        self.emit(f"ldr{width}", register, f"[{base}, #{offset - self.moved.get(base, 0)}]")

    def store_byte(self, register: str, base: str, offset: int) -> None:
        """Append the store of a byte at an offset from where an address register started."""
        self._reach(base, offset, 4095)
        operand = f"[{base}, #{offset - self.moved.get(base, 0)}]"
        self.lines.append(f"strb.w {register}, {operand}")

    def _reach(self, base: str, offset: int, most: int) -> None:
        """Move an address register so that an immediate offset up to ``most`` does."""
        away = offset - self.moved.get(base, 0)
        if 0 <= away <= most:
            return
        self.moved[base] = offset
        mnemonic, rest = ("add", away) if away > 0 else ("sub", -away)
        if self.narrow and rest < 256:
            self.emit(f"{mnemonic}s", base, base, f"#{rest}")
            return
        for shift in range(0, 32, 8):
            if step := rest & 0xFF << shift:
                self.emit(f"{mnemonic}.w", base, base, f"#{step:#x}")


def _is_modified_immediate(value: int) -> bool:
    """Whether Thumb's 12-bit modified immediates can hold a 32-bit constant."""
    byte = value & 0xFF
    high = value >> 8 & 0xFF
    if value in {byte, byte * 0x00010001, high * 0x01000100, byte * 0x01010101}:
        return True
    # Eight bits, the highest of them set, anywhere above the lowest byte.
    lowest = max(value.bit_length() - 8, 0)
    return value == value >> lowest << lowest


# ---------------------------------------------------------------- products


@dataclass(frozen=True)
class Word:
    """One pair of activations of each pixel of a block, and the pairs of weights it meets.

    Attributes:
        offset: Bytes from the start of the window.
        weights: A constant for each channel of the block; 0 where its operands are left out.
    """

    offset: int
    weights: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """What a block reads.

    Attributes:
        words: The words that some channel of the block needs.
        pixel_offsets: Bytes from the first pixel's window to that of each.
    """

    words: Sequence[Word]
    pixel_offsets: Sequence[int]


def emit_products(
    code: Code, window: Window, accumulators: Sequence[Sequence[str]], biases: Sequence[int],
    *, in_runs: bool,
) -> None:  # fmt: skip
    """Append the sums of a block: bias plus the products of each channel and pixel.

    Args:
        code: Where to.
        window: What is multiplied.
        accumulators: Registers of each channel, pixel by pixel.
        biases: What each channel's sums start from.
        in_runs: Whether loads stand in runs, as a core wants that pipelines them only there;
            otherwise loads and constants alternate with products, for cores that issue such pairs
            together or wait for what they have just loaded.
    """
    products = list(_products(window, accumulators, in_runs=in_runs))
    sources: dict[str, str] = {}
    for registers, bias in zip(accumulators, biases, strict=True):
        sources |= _emit_bias(code, products, registers, bias)
    _Allocation(code, window, products, sources, in_runs=in_runs).emit()


def _emit_bias(
    code: Code, products: Sequence["_Product"], registers: Sequence[str], bias: int
) -> dict[str, str]:
    """Append a channel's bias; return what the first product of each accumulator adds to.

    The bias waits in the accumulator that is summed last.
    """
    summed = [r for r in dict.fromkeys(p.accumulator for p in products) if r in registers]
    home = summed[-1] if summed else registers[0]
    code.constant(home, bias)
    for register in registers:
        if register not in (*summed, home):
            code.emit("mov", register, home)
    return dict.fromkeys(summed, home)


@dataclass(frozen=True)
class _Product:
    """One SMLAD: the constant of a channel and word times the activations of a word and pixel."""

    accumulator: str
    constant: "_Constant"
    activation: "_Activation"


@dataclass(frozen=True)
class _Constant:
    word: int
    channel: int
    value: int


@dataclass(frozen=True)
class _Activation:
    word: int
    pixel: int


_Operand = _Constant | _Activation


def _products(
    window: Window, accumulators: Sequence[Sequence[str]], *, in_runs: bool
) -> Iterator[_Product]:
    """Yield the products, word by word.

    Within a word, pixels go two by two where loads alternate with products, so that two registers
    of activations are free again after half a word.
    """
    pixels = range(len(window.pixel_offsets))
    step = len(pixels) if in_runs else 2
    for index, word in enumerate(window.words):
        constants = [_Constant(index, c, value) for c, value in enumerate(word.weights) if value]
        for start in pixels[::step]:
            for constant in constants:
                for pixel in pixels[start : start + step]:
                    register = accumulators[constant.channel][pixel]
                    yield _Product(register, constant, _Activation(index, pixel))


class _Allocation:
    """Registers for the operands of a block's products, each supplied before its first use."""

    def __init__(
        self, code: Code, window: Window, products: list[_Product], sources: dict[str, str],
        *, in_runs: bool,
    ) -> None:  # fmt: skip
        self.code = code
        self.window = window
        self.products = products
        self.sources = dict(sources)
        self.first_use: dict[_Operand, int] = {}
        self.last_use: dict[_Operand, int] = {}
        for index, product in enumerate(products):
            for operand in (product.constant, product.activation):
                self.first_use.setdefault(operand, index)
                self.last_use[operand] = index
        self.waiting = list(self._supplies(in_runs=in_runs))[::-1]
        self.free = list(_POOL)
        self.register: dict[_Operand, str] = {}
        self.unfinished: list[str] = []  # of a constant that takes two instructions, the second
        self.ahead = not in_runs

    def _supplies(self, *, in_runs: bool) -> Iterator[_Operand]:
        """Yield operands in the order of first use, all activations of a word first in runs."""
        seen: set[_Operand] = set()
        for product in self.products:
            operands: list[_Operand] = [product.constant, product.activation]
            if in_runs:
                operands = [*self._run(product.activation.word), product.constant]
            for operand in operands:
                if operand not in seen:
                    seen.add(operand)
                    yield operand

    def _run(self, word: int) -> Iterator[_Operand]:
        """Yield the activations that are loaded together with a word's: one register is left."""
        pixels = len(self.window.pixel_offsets)
        words = (len(_POOL) - 1) // pixels
        first = word // words * words
        for index in range(first, min(first + words, len(self.window.words))):
            yield from (_Activation(index, pixel) for pixel in range(pixels))

    def emit(self) -> None:
        """Append products, each preceded by what it still lacks and followed by supplies."""
        for index, product in enumerate(self.products):
            needed: set[_Operand] = {product.constant, product.activation}
            while self.unfinished or not needed <= self.register.keys():
                self._supply()
            self._multiply(product)
            for operand in needed:
                if self.last_use[operand] == index:
                    self.free.append(self.register.pop(operand))
            if self.ahead:
                self._supply_behind(index)

    def _supply_behind(self, index: int) -> None:
        """Append what issues together with a product, and one supply more where few are left.

        Where each kind of operand has its own registers, what comes too early takes the place of
        what is wanted sooner.
        """
        if self._can_supply():
            self._supply()
            if self._can_supply() and (not self.code.narrow or self._wanted() <= index + _URGENT):
                self._supply()

    def _wanted(self) -> int:
        """Return the product that needs the next supply first."""
        operand = self.latest if self.unfinished else self.waiting[-1]
        return self.first_use[operand]

    def _multiply(self, product: _Product) -> None:
        target = product.accumulator
        operands = self.register[product.constant], self.register[product.activation]
        self.code.emit("smlad", target, *operands, self.sources.pop(target, target))

    def _can_supply(self) -> bool:
        if self.unfinished or not self.waiting:
            return bool(self.unfinished)
        return bool(self._usable(self.waiting[-1]))

    def _usable(self, operand: _Operand) -> list[str]:
        """Return the free registers that an operand may have, the best first.

        Loads of 16 bits know the first registers only: there, each kind of operand has its own.
        """
        loads = isinstance(operand, _Activation)
        kept = _POOL if not self.code.narrow else _POOL[:2] if loads else _POOL[2:]
        usable = [register for register in kept if register in self.free]
        return usable if loads else usable[::-1]

    def _supply(self) -> None:
        """Append the next instruction that brings an operand."""
        if self.unfinished:
            self.code.lines.append(self.unfinished.pop())
            return
        operand = self.waiting.pop()
        self.latest = operand
        if isinstance(operand, _Activation):
            register = self._usable(operand)[0]
            self.free.remove(register)
            word = self.window.words[operand.word]
            offset = word.offset + self.window.pixel_offsets[operand.pixel]
            self.code.load(register, _WINDOW, offset)
        else:
            value = operand.value
            register = min(
                self._usable(operand), key=lambda r: len(self.code.constant_code(r, value))
            )
            self.free.remove(register)
            first, *rest = self.code.constant_code(register, value) or [""]
            if first:
                self.code.lines.append(first)
            self.unfinished = rest
            self.code.known[register] = value
        self.register[operand] = register


# ---------------------------------------------------------------- outputs


@dataclass(frozen=True)
class Channel:
    """How the sums of a channel become int8, as TensorFlow Lite does it.

    Attributes:
        multiplier: Q31.
        left: Left shift that the sums still lack. What SMMULR wants doubled counts as one more.
        right: Rounding right shift after the multiplication, ties away from zero.
        offset: The output's zero point.
        low: Least output.
        high: Greatest output.
        largest: A bound on the magnitude of a sum that stands ``left`` bits higher.
    """

    multiplier: int
    left: int
    right: int
    offset: int
    low: int
    high: int
    largest: int

    @property
    def rounding(self) -> int:
        """What is added before the right shift: half of its unit, and the zero point."""
        return (1 << self.right >> 1) + (self.offset << self.right)

    @property
    def fits(self) -> bool:
        """Whether 32 bits hold the product even when ``rounding`` is added."""
        return self.largest // 2 + abs(self.rounding) + 2 < 1 << 31


@dataclass(frozen=True)
class Output:
    """A sum and where its byte goes: bytes from the block's first output."""

    register: str
    channel: Channel
    offset: int


_OUTPUT, _SCALE, _ROUNDING = "r1", "r12", "lr"
_ADDENDS = ("r2", "r3")


def emit_outputs(code: Code, outputs: Sequence[Output]) -> None:
    """Append requantization and stores of sums; the block's output address is at ``[sp]``.

    Outputs follow each other in steps: what one instruction of an output leaves to wait for, those
    of its neighbours fill.
    """
    stages = ((_scale, 1), (_round, 0), (_saturate, 3), (_store, 4))
    for step in range(len(outputs) + stages[-1][1]):
        if step == 1:
            code.emit("ldr.w", _OUTPUT, "[sp]")
            code.moved[_OUTPUT] = 0
        for stage, lag in stages:
            if 0 <= (index := step - lag) < len(outputs):
                stage(code, outputs[index], _ADDENDS[index % 2])


def _round(code: Code, output: Output, addend: str) -> None:
    """Prepare the multiplier and what its product is added to.

    Of negative sums that is one less, as ties go away from zero.
    """
    sums, channel = output.register, output.channel
    code.constant(_SCALE, channel.multiplier)
    if channel.left:
        code.emit("lsl.w", sums, sums, f"#{channel.left}")
    if channel.fits and channel.right:
        code.constant(_ROUNDING, channel.rounding)
        code.emit("add.w", addend, _ROUNDING, f"{sums}, asr #31")
    elif channel.fits:
        code.constant(addend, channel.rounding)


def _scale(code: Code, output: Output, addend: str) -> None:
    sums = output.register
    if output.channel.fits:
        code.emit("smmlar", sums, sums, _SCALE, addend)
    else:
        code.emit("smmulr", sums, sums, _SCALE)


def _saturate(code: Code, output: Output, _addend: str) -> None:
    sums, channel = output.register, output.channel
    shift = channel.right
    if not channel.fits:
        # Saturating, and all bits but the last shifted out before the zero point is added.
        shift = min(channel.right, 1)
        if channel.right:
            code.emit("add.w", sums, sums, f"{sums}, asr #31")
        if channel.right > 1:
            code.emit("asr.w", sums, sums, f"#{channel.right - 1}")
        code.constant(_ROUNDING, 2 * channel.offset + 1 if channel.right else channel.offset)
        code.emit("qadd", sums, sums, _ROUNDING)
    code.emit("ssat", sums, "#8", sums, *([f"asr #{shift}"] if shift else []))
    for bound, worse, beyond in ((channel.low, "lt", -128), (channel.high, "gt", 127)):
        if bound != beyond:
            code.store("cmp.w" if bound >= 0 else "cmn.w", sums, f"#{abs(bound)}")
            code.store("it", worse)
            code.emit(f"mov{worse}.w" if bound >= 0 else f"mvn{worse}.w", sums,
                      f"#{bound if bound >= 0 else ~bound}")  # fmt: skip


def _store(code: Code, output: Output, _addend: str) -> None:
    code.store_byte(output.register, _OUTPUT, output.offset)


def function_text(name: str, code: Code) -> str:
    """Return GNU assembly of ``void name(const int16_t *window, int8_t *output)``."""
    return "\n".join(
        [
            "    .syntax unified",
            "    .thumb",
            '    .section .text.tc_unrolled, "ax", %progbits',
            "    .p2align 3",
            f"    .global {name}",
            f"    .type {name}, %function",
            "    .thumb_func",
            f"{name}:",
            "    push.w {r1, r4-r11, lr}",
            *(f"    {line}" for line in code.lines),
            "    pop.w {r1, r4-r11, pc}",
            f"    .size {name}, . - {name}",
            "",
        ]
    )
