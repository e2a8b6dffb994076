"""Random Thumb-2 programs that end: code that makes two engines disagree where they can.

A program is a function of three arguments (two buffers and a seed) with some helpers that it calls.
It is generated as assembly from a seed, as a tree of statements any of which can be left out
without harm, so that a failing program can be made smaller. It is position-independent: assembled
once, it runs from any memory of any board. All programs of a batch are assembled in one go.

Registers: r0 to r7 and s0 to s7 hold data; r8 and r9 point into the buffers; r10 and r11 count
loops; r12 is for addresses within a statement.
"""

import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.elffile import ELFFile

from thumbclock.machine.image import Function, Image, Segment

__all__ = [
    "BUFFER_BYTES",
    "FAR_OFFSET",
    "Assembled",
    "Block",
    "Program",
    "assemble",
    "buffer",
    "generate",
    "image",
    "loop_of",
]

BUFFER_BYTES = 0x500
FAR_OFFSET = 0x80
"""What the pointer arguments point to, from the start of a buffer."""

_NODES, _NODE_COUNT = 0x300, 16  # from the pointer: next node, data, two values
_RESULTS = 0x240
_FRAME_BYTES = 32
_PAGE_BYTES = 1024  # where Unicorn ends a translation block, whatever stands there

_CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
_OPPOSITE = {
    c: _CONDITIONS[i ^ 1] for i, c in enumerate(_CONDITIONS)
}  # in the order of the encoding, neighbours exclude each other
_HEAD = ".syntax unified\n.cpu cortex-m7\n.fpu fpv5-sp-d16\n.thumb\n.text\n"
_SIGN_AND_ZERO = ("eq", "ne", "mi", "pl")
_SUFFIXES = ("", "b", "h", "sb", "sh")

_EXTENDED = re.compile(
    r"v|[su]xta?b16|sel |smmul|pkh|[su]add8|qadd|[su]xta[bh]|smul[bt]|smla[dbt]"
)  # what only cores with DSP and floating point have

_ENABLE_COUNTER = (
    "movw r12, #0xEDFC", "movt r12, #0xE000", "mov r6, #0x1000000", "str r6, [r12]",
    "movw r12, #0x1000", "movt r12, #0xE000", "mov r6, #1", "str r6, [r12]",
)  # fmt: skip


@dataclass
class Block:
    """A statement: lines, statements inside, and lines behind."""

    before: list[str]
    children: list["Block"] = field(default_factory=list)
    after: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the assembly."""
        yield from self.before
        for child in self.children:
            yield from child.lines()
        yield from self.after


@dataclass
class Program:
    """Functions by name, the one to call first."""

    name: str
    functions: dict[str, Block]

    def text(self) -> str:
        """Return the assembly, from a page boundary on."""
        lines = [f".balign {_PAGE_BYTES}"]
        for name, block in self.functions.items():
            lines += [".balign 4", f".type {name}, %function", ".thumb_func", f"{name}:"]
            lines += [line if line.endswith(":") else f"    {line}" for line in block.lines()]
            lines.append(f".size {name}, . - {name}")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Assembled:
    """A program's code, and its functions relative to the start."""

    name: str
    code: bytes
    functions: tuple[Function, ...]


def generate(seed: int, *, extended: bool = True) -> Program:
    """Return the program of a seed.

    Args:
        seed: Of the choices.
        extended: Whether the core has the DSP extension and an FPU for single precision.
    """
    return _Generator(seed, extended=extended).program()


class _Generator:
    """Writes one program."""

    def __init__(self, seed: int, *, extended: bool) -> None:
        self.random = random.Random(seed)
        self.extended = extended
        self.name = f"p{seed}" if extended else f"b{seed}"
        self.labels = 0
        self.callable: list[str] = []  # functions that may be called from where we are
        self.recursive: list[str] = []
        self.early_return: list[str] = []  # predicated instructions that leave the function
        self.depth = 0
        self.reads_counter = False
        simple: dict[Callable[[], list[str]], int] = {
            self.alu: 8, self.flags: 3, self.dsp: 3, self.divide: 2, self.float_: 3, self.load: 6,
            self.store: 5, self.load_pair: 4, self.narrow_stores: 2, self.lists: 3, self.dual: 2,
            self.chase: 2, self.alias: 3, self.spill: 3, self.it_block: 6, self.counter: 1,
            self.derived_address: 3, self.selected_address: 2, self.exclusive: 1,
            self.variable_frame: 1,
        }  # fmt: skip
        if not extended:
            del simple[self.float_]
        self.simple_kinds, self.simple_weights = list(simple), list(simple.values())

    # Small choices.

    def choose(self, choices: Sequence[list[str]]) -> list[str]:
        """Choose lines, all of which the core has."""
        if not self.extended:
            choices = [lines for lines in choices if not any(map(_EXTENDED.match, lines))]
        return self.random.choice(choices)

    def data(self) -> str:
        return f"r{self.random.randrange(8)}"

    def several(self, count: int) -> list[str]:
        return [f"r{i}" for i in sorted(self.random.sample(range(8), count))]

    def single(self) -> str:
        return f"s{self.random.randrange(8)}"

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def label(self) -> str:
        self.labels += 1
        return f".L{self.name}_{self.labels}"

    def condition(self) -> str:
        return self.random.choice(_CONDITIONS)

    def pointer(self) -> str:
        return self.random.choice(("r8", "r9"))

    def offset(self, step: int = 1) -> int:
        return self.random.randrange(-0x40, 0x80, step)

    def address(self, *, aligned: bool) -> list[str]:
        """Put a run-time address inside a buffer into r12."""
        mask = 0xFC if aligned else self.random.choice((0xFF, 0xFE, 0xFC, 0xF8))
        lines = [f"and r12, {self.data()}, #{mask}", f"add r12, {self.pointer()}, r12"]
        if aligned:
            lines[1] = "add r12, r8, r12"
        return lines

    # Data processing.

    def alu(self) -> list[str]:
        a, b, c = self.data(), self.data(), self.data()
        shift = (
            f"{self.random.choice(('lsl', 'lsr', 'asr', 'ror'))} #{self.random.randrange(1, 32)}"
        )
        constant = self.random.choice((0, 1, 7, 100, 255, 0xFF00, 0x00AB00AB))
        return [
            self.random.choice(
                (
                    f"add {a}, {b}, {c}", f"subs {a}, {b}, #{constant & 7}", f"eor {a}, {b}, {c}",
                    f"adds {a}, {b}, {c}", f"add {a}, {b}, {c}, {shift}", f"ands {a}, {b}, {c}",
                    f"bic {a}, {b}, #{constant}", f"orr {a}, {b}, #{constant}", f"mvn {a}, {b}",
                    f"rsb {a}, {b}, #{constant}", f"mov {a}, {b}",
                    f"movw {a}, #{constant & 0xFFFF}",
                    f"movt {a}, #{self.random.randrange(1 << 16)}", f"lsl {a}, {b}, {c}",
                    f"lsrs {a}, {b}, #{self.random.randrange(1, 32)}", f"ror {a}, {b}, {c}",
                    f"asr {a}, {b}, {c}", f"adcs {a}, {b}, {c}", f"sbcs {a}, {b}, {c}",
                    f"eors {a}, {b}, {c}, {shift}", f"mul {a}, {b}, {c}", f"sub {a}, {b}, {c}",
                    f"mla {a}, {b}, {c}, {self.data()}", f"mls {a}, {b}, {c}, {self.data()}",
                    f"orn {a}, {b}, {c}", f"rrx {a}, {b}", f"bics {a}, {b}, {c}",
                    f"rsbs {a}, {b}, {c}", f"add.w {a}, {b}, #{constant & 0xFF}",
                )
            )
        ]  # fmt: skip

    def flags(self) -> list[str]:
        a, b, c = self.data(), self.data(), self.data()
        amount = self.random.randrange(1, 32)
        return self.choose(
            (
                [f"cmp {a}, {b}"], [f"cmp {a}, #{self.random.randrange(256)}"], [f"tst {a}, {b}"],
                [f"cmn {a}, {b}"], [f"teq {a}, {b}"],
                [f"tst {a}, #{1 << self.random.randrange(8)}"],
                [f"subs {a}, {b}, {c}"], [f"ands {a}, {b}, {c}"], [f"adcs {a}, {b}, {c}"],
                [f"adds {a}, {b}, #{self.random.randrange(8)}"], [f"lsls {a}, {b}, #{amount}"],
                [f"lsrs {a}, {b}, {c}"], [f"movs {a}, {b}"], [f"muls {a}, {b}, {a}"],
                [f"cmp {a}, {b}, lsl #{amount}"], [f"tst {a}, {b}, ror #{amount}"],
                [f"movs {a}, #0"], [f"mvns {a}, {b}"], [f"rsbs {a}, {b}, #0"],
                [f"sbcs {a}, {b}, {c}"], [f"cmp {a}, #-1"],
                [f"vcmp.f32 {self.single()}, {self.single()}", "vmrs APSR_nzcv, fpscr"],
            )
        )  # fmt: skip

    def dsp(self) -> list[str]:
        a, b, c, d = self.data(), self.data(), self.data(), self.data()
        low, high = self.several(2)
        rotation = self.random.choice(("", ", ror #8", ", ror #16"))
        field_ = f"#{self.random.randrange(16)}, #{self.random.randrange(1, 16)}"
        choices: tuple[list[str], ...] = (
            [f"smlad {a}, {b}, {c}, {d}"], [f"sxtb16 {a}, {b}{rotation}"], [f"smmul {a}, {b}, {c}"],
            [f"uxtab16 {a}, {b}, {c}{rotation}"], [f"pkhbt {a}, {b}, {c}, lsl #16"],
            [f"pkhtb {a}, {b}, {c}, asr #16"], [f"uadd8 {a}, {b}, {c}", f"sel {d}, {b}, {c}"],
            [f"ssat {a}, #8, {b}"], [f"usat {a}, #5, {b}, asr #3"], [f"qadd {a}, {b}, {c}"],
            [f"smlal {low}, {high}, {c}, {d}"], [f"smull {low}, {high}, {c}, {d}"],
            [f"umlal {low}, {high}, {c}, {d}"], [f"clz {a}, {b}"], [f"rbit {a}, {b}"],
            [f"rev {a}, {b}"], [f"rev16 {a}, {b}"], [f"bfi {a}, {b}, {field_}"],
            [f"ubfx {a}, {b}, {field_}"], [f"sbfx {a}, {b}, {field_}"], [f"bfc {a}, {field_}"],
            [f"sxtah {a}, {b}, {c}{rotation}"], [f"uxtb {a}, {b}{rotation}"], [f"sxth {a}, {b}"],
            [f"smulbb {a}, {b}, {c}"], [f"smlabt {a}, {b}, {c}, {d}"], [f"uxtab {a}, {b}, {c}"],
        )  # fmt: skip
        return self.choose(choices)

    def divide(self) -> list[str]:
        """Divide by what is known from the block's start, and by what is not."""
        a, b, c = self.data(), self.data(), self.data()
        divide = f"{self.random.choice(('sdiv', 'udiv'))} {a}, {b}, {c}"
        producer: list[str] = []
        if self.chance(0.5):
            low, high = self.several(2)
            producer = [
                self.random.choice(
                    (
                        f"smull {low}, {high}, {b}, {a}", f"clz {c}, {b}", f"rbit {b}, {a}",
                        f"mul {c}, {b}, {a}", f"asr {c}, {c}, #{self.random.randrange(1, 31)}",
                        f"ubfx {c}, {c}, #3, #{self.random.randrange(1, 20)}",
                        f"sxth {c}, {c}", f"lsr {b}, {b}, {a}", f"adc {c}, {b}, #1",
                        f"sbfx {c}, {b}, #4, #9", f"ror {b}, {b}, {a}", f"asrs {b}, {b}, {a}",
                    )
                )
            ]  # fmt: skip
        between = self.alu() if self.chance(0.3) else []
        return [*producer, *between, divide]

    def float_(self) -> list[str]:
        a, b, c = self.single(), self.single(), self.single()
        where = 4 * self.random.randrange(-8, 16)
        first = self.random.randrange(5)
        choices: tuple[list[str], ...] = (
            [f"vadd.f32 {a}, {b}, {c}"], [f"vmul.f32 {a}, {b}, {c}"], [f"vsub.f32 {a}, {b}, {c}"],
            [f"vmla.f32 {a}, {b}, {c}"], [f"vfma.f32 {a}, {b}, {c}"], [f"vdiv.f32 {a}, {b}, {c}"],
            [f"vsqrt.f32 {a}, {b}"], [f"vneg.f32 {a}, {b}"], [f"vabs.f32 {a}, {b}"],
            [f"vmov {a}, {b}"], [f"vmov {a}, {self.data()}"], [f"vmov {self.data()}, {a}"],
            [f"vcvt.s32.f32 {a}, {b}"], [f"vcvt.f32.s32 {a}, {b}"], [f"vmov.f32 {a}, #1.5"],
            [f"vldr {a}, [r8, #{where}]"], [f"vstr {a}, [r8, #{where}]"],
            [*self.address(aligned=True), f"vldr {a}, [r12, #{where}]", f"vadd.f32 {b}, {a}, {c}"],
            [*self.address(aligned=True), f"vstr {a}, [r12, #{where}]"],
            [*self.address(aligned=True), f"vldmia r12!, {{s{first}-s{first + 3}}}"],
            [*self.address(aligned=True), f"vstmdb r12!, {{s{first}-s{first + 2}}}"],
            [f"vpush {{s{first}-s{first + 1}}}", f"vpop {{s{first + 1}-s{first + 2}}}"],
        )  # fmt: skip
        return self.random.choice(choices)

    # Memory.

    def load(self) -> list[str]:
        name, target = f"ldr{self.random.choice(_SUFFIXES)}", self.data()
        offset = self.offset()
        near = self.random.choice((1, 2, 4, -1, -4, 8))
        choices: tuple[list[str], ...] = (
            [f"{name} {target}, [{self.pointer()}, #{offset}]"],
            [f"{name} {target}, [{self.pointer()}, #{offset & ~3}]"],
            [*self.address(aligned=False), f"{name} {target}, [r12, #{offset}]"],
            [*self.address(aligned=False), f"{name} {target}, [r12], #{near}"],
            [*self.address(aligned=False), f"{name} {target}, [r12, #{near}]!", *self.near_load()],
            [
                *self.address(aligned=True),
                f"ldr {target}, [r12], #4",
                f"ldr {self.data()}, [r12], #4",
            ],
            [
                f"and r12, {self.data()}, #0x3F",
                f"{name} {target}, [{self.pointer()}, r12, lsl #{self.random.randrange(3)}]",
            ],
        )
        return self.random.choice(choices)

    def near_load(self) -> list[str]:
        return [
            f"ldr{self.random.choice(_SUFFIXES)} {self.data()}, [r12, #{self.random.randrange(8)}]"
        ]

    def store(self) -> list[str]:
        name, source = f"str{self.random.choice(('', 'b', 'h'))}", self.data()
        offset = self.offset()
        near = self.random.choice((1, 2, 4, -1, -4, 8))
        choices: tuple[list[str], ...] = (
            [f"{name} {source}, [{self.pointer()}, #{offset}]"],
            [*self.address(aligned=False), f"{name} {source}, [r12, #{offset}]"],
            [*self.address(aligned=False), f"{name} {source}, [r12], #{near}", *self.near_load()],
            [*self.address(aligned=False), f"{name} {source}, [r12, #{near}]!"],
            [
                f"and r12, {self.data()}, #0x3F",
                f"{name} {source}, [{self.pointer()}, r12, lsl #{self.random.randrange(3)}]",
            ],
        )
        return self.random.choice(choices)

    def load_pair(self) -> list[str]:
        """Loads next to each other: on the M7 they share a cycle where their banks differ."""
        a, b = self.several(2)
        first, second = self.offset(4), self.offset(4)
        base, other = self.pointer(), self.pointer()
        choices: tuple[list[str], ...] = (
            [f"ldr {a}, [{base}, #{first}]", f"ldr {b}, [{base}, #{second}]"],
            [f"ldr {a}, [{base}, #{first}]", f"ldr {b}, [{other}, #{second}]"],
            [
                *self.address(aligned=False),
                f"ldr {a}, [r12, #{first}]",
                f"ldr{self.random.choice(_SUFFIXES)} {b}, [{base}, #{self.offset()}]",
            ],
            [
                *self.address(aligned=False),
                f"ldr {a}, [r12]",
                f"ldr {b}, [r12, #{self.random.choice((1, 2, 4, 8))}]",
            ],
        )
        return self.random.choice(choices)

    def narrow_stores(self) -> list[str]:
        """Sub-word and unaligned stores back to back, which the store buffer cannot merge."""
        lines = self.address(aligned=False)
        for _ in range(self.random.randrange(2, 6)):
            name = self.random.choice(("strb", "strh", "strb", "str"))
            lines.append(f"{name} {self.data()}, [r12, #{self.random.randrange(12)}]")
        return lines

    def lists(self) -> list[str]:
        count = self.random.randrange(2, 6)
        registers = "{" + ", ".join(self.several(count)) + "}"
        mark = self.random.choice(("", "!"))
        choices: tuple[list[str], ...] = (
            [*self.address(aligned=True), f"ldm r12{mark}, {registers}"],
            [*self.address(aligned=True), f"stm r12{mark}, {registers}"],
            [*self.address(aligned=True), f"ldmdb r12{mark}, {registers}"],
            [*self.address(aligned=True), f"stmdb r12{mark}, {registers}"],
            [f"push {registers}", *self.alu(), "pop {" + ", ".join(self.several(count)) + "}"],
        )
        return self.random.choice(choices)

    def dual(self) -> list[str]:
        a, b = self.several(2)
        name = self.random.choice(("ldrd", "strd"))
        where = self.random.choice((f"[r12, #{self.offset(4)}]", "[r12], #8", "[r12, #-12]!"))
        return [*self.address(aligned=True), f"{name} {a}, {b}, {where}"]

    def chase(self) -> list[str]:
        """Follow pointers: each address is loaded in the same block."""
        start = _NODES + 16 * self.random.randrange(_NODE_COUNT)
        lines = [f"ldr r12, [r8, #{start}]"]
        lines += ["ldr r12, [r12]"] * self.random.randrange(3)
        lines += ["ldr r12, [r12, #4]"]
        return [*lines, *self.near_load()]

    def alias(self) -> list[str]:
        """Store, then load what may be the same bytes, and use the value as an address."""
        offset = self.offset(4)
        value, loaded = self.several(2)
        base = self.random.choice(("r8", "r12"))
        store = self.random.choice(("str", "strb", "strh", "str"))
        use = [f"and r12, {loaded}, #0xFF", f"ldr {value}, [r8, r12]"]
        if self.chance(0.3):
            use = [f"udiv {value}, {value}, {loaded}"]
        between = [f"strh {self.data()}, [{self.pointer()}, #{self.offset()}]"]
        return [
            *self.address(aligned=True),
            f"{store} {value}, [r12, #{offset + self.random.choice((0, 0, 1, 2))}]",
            *(between if self.chance(0.4) else []),
            f"ldr {loaded}, [{base}, #{offset}]",
            *use,
        ]

    def spill(self) -> list[str]:
        """Spill to the stack and reload, values and addresses."""
        a, b = self.several(2)
        slot = 4 * self.random.randrange(_FRAME_BYTES // 4 - 1)
        choices: tuple[list[str], ...] = (
            [f"str {a}, [sp, #{slot}]", *self.alu(), f"ldr {b}, [sp, #{slot}]"],
            [f"str {a}, [sp, #{slot}]", "mov r12, sp", f"ldr {b}, [r12, #{slot}]"],
            ["mov r12, sp", f"strb {a}, [r12, #{slot + 1}]", f"ldrh {b}, [sp, #{slot}]"],
            [
                *self.address(aligned=False),
                f"str r12, [sp, #{slot}]",
                *self.alu(),
                f"ldr r12, [sp, #{slot}]",
                *self.near_load(),
            ],
            [f"ldr {a}, [sp, #{slot}]", f"sdiv {b}, {b}, {a}", f"str {b}, [sp, #{slot}]"],
        )
        return self.random.choice(choices)

    def derived_address(self) -> list[str]:
        """Address memory with what a recipe cannot compute, or hardly."""
        a = self.data()
        producer = self.choose(
            (
                [f"clz r12, {a}"], [f"rbit r12, {a}", "and r12, r12, #0xFF"],
                [f"smmul r12, {a}, {self.data()}", "and r12, r12, #0xFE"],
                [f"ubfx r12, {a}, #{self.random.randrange(20)}, #6"],
                ["mrs r12, apsr", "lsr r12, #28"],
                [f"vmov r12, {self.single()}", "and r12, r12, #0xFC"],
                [f"adc r12, {a}, #0", "and r12, r12, #0x7F"], [f"uxtb r12, {a}, ror #8"],
                [f"mul r12, {a}, {self.data()}", "ubfx r12, r12, #3, #7"],
                [f"udiv r12, {a}, {self.data()}", "and r12, r12, #0xFF"],
                [f"usat r12, #7, {a}"], [f"ror r12, {a}, {self.data()}", "uxtb r12, r12"],
                [f"lsr r12, {a}, {self.data()}", "and r12, #0xFF"],
                [f"asr r12, {a}, {self.data()}", "bic r12, #0xFFFFFF00"],
                [f"eor r12, {a}, {self.data()}, ror #7", "and r12, #0xF5"],
                [f"ldrb r12, [{self.pointer()}, #{self.offset()}]"],
                [f"ldrsh r12, [{self.pointer()}, #{self.offset()}]", "and r12, r12, #0xFF"],
            )
        )  # fmt: skip
        use = self.random.choice(("ldr", "ldrh", "ldrb", "str", "strb", "strh"))
        return [*producer, f"{use} {self.data()}, [{self.pointer()}, r12]"]

    def selected_address(self) -> list[str]:
        """Choose between two memories by a condition."""
        condition = self.condition()
        flags = self.flags() if self.chance(0.7) else []
        use = self.random.choice(("ldr", "str", "ldrb", "strh"))
        return [
            *flags,
            f"ite {condition}",
            f"mov{condition} r12, r8",
            f"mov{_OPPOSITE[condition]} r12, r9",
            f"{use} {self.data()}, [r12, #{self.offset()}]",
        ]

    def exclusive(self) -> list[str]:
        status, value = self.several(2)
        return [
            *self.address(aligned=True),
            f"ldrex {value}, [r12]",
            f"strex {status}, {value}, [r12]",
        ]

    def variable_frame(self) -> list[str]:
        """Move the stack pointer by a run-time amount and back."""
        amount = self.data()
        return [
            f"and r12, {amount}, #0x38",
            "sub sp, sp, r12",
            f"str {amount}, [sp, #-8]!",
            f"ldr {self.data()}, [sp], #8",
            "add sp, sp, r12",
        ]

    def counter(self) -> list[str]:
        """Read the cycle counter in the middle of a block and keep what it said."""
        self.reads_counter = True
        a = self.data()
        read = ["movw r12, #0x1004", "movt r12, #0xE000", f"ldr {a}, [r12]"]
        if self.chance(0.2):
            condition = self.condition()
            read[2:] = [
                f"itt {condition}",
                f"add{condition} {a}, {a}, #1",
                f"ldr{condition} {a}, [r12]",
            ]
        return [*read, f"str {a}, [r8, #{self.offset(4)}]"]

    # Predication.

    def it_block(self) -> list[str]:
        condition = self.condition()
        shape = "".join(self.random.choice("te") for _ in range(self.random.randrange(4)))
        names = [condition, *(condition if c == "t" else _OPPOSITE[condition] for c in shape)]
        lines = [*self.address(aligned=True), *(self.flags() if self.chance(0.6) else [])]
        lines.append(f"it{shape} {condition}")
        if self.early_return and self.chance(0.3):
            return [*lines, *self.predicated(names[:-1]), *self.leave(names[-1])]
        return [*lines, *self.predicated(names)]

    def leave(self, condition: str) -> list[str]:
        """Fill the last place of an IT block, and return from another one under its condition."""
        shape = "t" * (len(self.early_return) - 1)
        words = (line.split(maxsplit=1) for line in self.early_return)
        leave = [f"{word}{condition} {rest}" for word, rest in words]
        return [*self.predicated([condition]), f"it{shape} {condition}", *leave]

    def predicated(self, conditions: Sequence[str]) -> list[str]:
        """Return the inside of an IT block.

        A unit cannot start inside an IT block, so neither a divide nor a condition there may
        depend on what an instruction of the same block made that no recipe can express.
        """
        lines: list[str] = []
        opaque: set[str] = set()
        for condition in conditions:
            line = self.predicated_line(condition)
            sets_flags = line.startswith(("cmp", "tst", "subs"))
            if condition in opaque and (sets_flags or line.startswith(("sdiv", "udiv"))):
                line, sets_flags = f"mov{condition} {self.data()}, {self.data()}", False
            lines.append(line)
            if sets_flags or line.startswith(("st", "vst")):
                opaque.update((condition, _OPPOSITE[condition]))
            elif line.startswith(("smlad", "smull", "clz")):
                opaque.add(condition)
        return lines

    def predicated_line(self, condition: str) -> str:
        a, b, c, d = self.data(), self.data(), self.data(), self.data()
        low, high = self.several(2)
        offset, pointer = self.offset(), self.pointer()
        choices = [
            [line]
            for line in (
                f"mov? {a}, {b}", f"mov? {a}, #7", f"add? {a}, {b}, {c}", f"eor? {a}, {b}, {c}",
                f"sub? {a}, {b}, #1", f"ldr? {a}, [{pointer}, #{offset}]", f"ldr? {a}, [r12]",
                f"ldrb? {a}, [r12, #{offset}]", f"ldrh? {a}, [{pointer}, #{offset}]",
                f"str? {a}, [{pointer}, #{offset}]", f"strb? {a}, [r12, #{offset}]",
                f"strh? {a}, [r12, #{offset}]", f"ldrd? {low}, {high}, [r12, #{offset & ~3}]",
                f"strd? {low}, {high}, [r12, #{offset & ~3}]", f"ldm? r12, {{{low}, {high}}}",
                f"sdiv? {a}, {b}, {c}", f"udiv? {a}, {b}, {c}", f"mul? {a}, {b}, {c}",
                f"mla? {a}, {b}, {c}, {d}", f"ldr? {a}, [r12], #4", f"str? {a}, [r12, #4]!",
                f"vadd?.f32 {self.single()}, {self.single()}, {self.single()}",
                f"vldr? {self.single()}, [r12]", f"vstr? {self.single()}, [r12, #8]",
                f"vdiv?.f32 {self.single()}, {self.single()}, {self.single()}",
                f"smlad? {a}, {b}, {c}, {d}", f"smull? {low}, {high}, {c}, {d}", f"clz? {a}, {b}",
                f"cmp? {a}, {b}", f"tst? {a}, {b}", f"subs?.w {a}, {b}, {c}",
                f"lsl? {a}, {b}, #3", f"uxtb? {a}, {b}", f"movw? {a}, #0x1234",
                f"rsb? {a}, {b}, #0", f"str? {low}, [sp, #4]", f"ldr? {low}, [sp, #8]",
            )
        ]  # fmt: skip
        (template,) = self.choose(choices)
        if template.startswith("tst") and condition not in _SIGN_AND_ZERO:
            template = f"cmp? {a}, {b}"  # what TST leaves of C and V is beyond a recipe
        return template.replace("?", condition, 1)

    # Statements with statements inside.

    def simple(self) -> Block:
        (kind,) = self.random.choices(self.simple_kinds, self.simple_weights)
        return Block(kind())

    def body(self, size: int) -> list[Block]:
        self.depth += 1
        kinds = [self.simple] * 7 + [self.branch, self.zero_branch, self.predicated_branch]
        kinds += [self.call] * 2 if self.callable else []
        if self.depth <= 2:
            kinds += [self.loop, self.table, self.page, self.computed_goto]
        blocks = [self.random.choice(kinds)() for _ in range(self.random.randrange(1, size + 1))]
        self.depth -= 1
        return blocks

    def loop(self) -> Block:
        if self.depth > 2:
            return self.simple()
        counter, top = {1: "r11", 2: "r10"}[self.depth], self.label()
        count = self.random.randrange(2, 7)
        align = [".balign 8"] if self.chance(0.3) else []
        ends = (
            [f"subs {counter}, {counter}, #1", f"bne {top}"],
            [f"sub {counter}, {counter}, #1", f"cmp {counter}, #0", f"bgt {top}"],
            [f"subs {counter}, #1", "it ne", f"bne.w {top}"],
        )
        head = [f"mov {counter}, #{count}", *align, f"{top}:"]
        return Block(head, self.body(5), list(self.random.choice(ends)))

    def branch(self) -> Block:
        """A forward branch on data, perhaps with an else."""
        other, end = self.label(), self.label()
        flags = self.flags() if self.chance(0.75) else []
        head = [*flags, f"b{self.condition()}.w {other}"]
        if self.chance(0.4):
            first = Block(head, self.body(3), [f"b.w {end}", f"{other}:"])
            return Block([], [first, Block([], self.body(2), [f"{end}:"])])
        return Block(head, self.body(3), [f"{other}:"])

    def zero_branch(self) -> Block:
        near, end = self.label(), self.label()
        name = self.random.choice(("cbz", "cbnz"))
        mask = [f"and {(data := self.data())}, {data}, #3"] if self.chance(0.5) else []
        head = [*mask, f"{name} {self.data()}, {near}"]
        if self.chance(0.5):
            return Block(head, [Block(self.alu())], [f"{near}:"])
        return Block([*head, f"b.w {end}", f"{near}:"], self.body(3), [f"{end}:"])

    def predicated_branch(self) -> Block:
        """An IT block that ends in a branch."""
        end, condition = self.label(), self.condition()
        shape = "".join(self.random.choice("te") for _ in range(self.random.randrange(3)))
        names = [condition, *(condition if c == "t" else _OPPOSITE[condition] for c in shape)]
        last = self.condition() if not shape else names[-1]
        names[-1] = last
        head = [*self.address(aligned=True), *(self.flags() if self.chance(0.6) else [])]
        head.append(f"it{shape} {names[0]}")
        head += self.predicated(names[:-1])
        head.append(f"b{last}.w {end}")
        return Block(head, self.body(2), [f"{end}:"])

    def table(self) -> Block:
        table, end = self.label(), self.label()
        cases = [self.label() for _ in range(4)]
        name, size, index = self.random.choice(
            (("tbb", ".byte", "r12"), ("tbh", ".hword", "r12, lsl #1"))
        )
        select = f"and r12, {self.data()}, #3"
        if self.chance(0.6):
            head = [select, f"{name} [pc, {index}]", f"{table}:"]
        else:
            head = [select, f"adr.w r7, {table}", f"{name} [r7, {index}]"]
            head += [f"{table}:"]
        head += [f"{size} ({case} - {table}) / 2" for case in cases]
        blocks = [
            Block([f"{case}:"], [Block(self.alu()), Block(self.load())], [f"b.w {end}"])
            for case in cases
        ]
        return Block([*head, ".balign 2"], blocks, [f"{end}:"])

    def computed_goto(self) -> Block:
        """Branch through a register to an address made of a table of offsets."""
        table, end = self.label(), self.label()
        cases = [self.label() for _ in range(2)]
        head = [
            f"and r7, {self.data()}, #1",
            f"adr.w r12, {table}",
            "ldr.w r7, [r12, r7, lsl #2]",
            "add r12, r7",
            self.random.choice(("bx r12", "mov pc, r12")),
            ".balign 4",
            f"{table}:",
            *(f".word {case} - {table} + 1" for case in cases),
        ]
        blocks = [Block([f"{case}:"], self.body(2), [f"b.w {end}"]) for case in cases]
        return Block(head, blocks, [f"{end}:"])

    def page(self) -> Block:
        """Put code, an IT block among it, across a page boundary."""
        here = self.label()
        distance = 2 * self.random.randrange(1, 12)
        head = [
            f"b.w {here}",
            f".balign {_PAGE_BYTES}",
            f".space {_PAGE_BYTES - distance}",
            f"{here}:",
        ]
        condition = self.condition()
        shape = "".join(self.random.choice("te") for _ in range(3))
        names = [condition, *(condition if c == "t" else _OPPOSITE[condition] for c in shape)]
        it_block = ["mov r12, r8", f"it{shape} {condition}", *self.predicated(names)]
        return Block(head, [Block(self.flags()), Block(it_block), *self.body(2)])

    def call(self) -> Block:
        target = self.random.choice(self.callable)
        if target in self.recursive:
            lines = ["push {r10, r12}", f"mov r10, #{self.random.randrange(1, 6)}", f"bl {target}"]
            return Block([*lines, "pop {r10, r12}"])
        if self.chance(0.35):
            return self.pointer_call()
        if self.chance(0.2):
            condition = self.condition()
            return Block([*self.flags(), f"it {condition}", f"bl{condition} {target}"])
        return Block([f"bl {target}"])

    def pointer_call(self) -> Block:
        """Call one of two functions through a register."""
        table, over = self.label(), self.label()
        plain = [f for f in self.callable if f not in self.recursive]
        if not plain:
            return self.simple()
        targets = [self.random.choice(plain) for _ in range(2)]
        return Block(
            [
                f"b.w {over}",
                ".balign 4",
                f"{table}:",
                *(f".word {target} - {table}" for target in targets),  # bit 0 is in the symbol
                f"{over}:",
                f"and r7, {self.data()}, #1",
                f"adr.w r12, {table}",
                "ldr.w r7, [r12, r7, lsl #2]",
                "add r12, r7",
                "blx r12",
            ]
        )

    # Functions.

    def program(self) -> Program:
        functions: dict[str, Block] = {}
        kinds = (self.leaf, self.framed, self.tail_calling, self.recursion, self.loaded_return)
        for number in range(self.random.randrange(1, 4)):
            name = f"{self.name}_f{number}"
            kind = self.random.choice(kinds)
            functions[name] = kind(name)
            self.callable.append(name)
        functions = {self.name: self.main(), **functions}
        return Program(self.name, functions)

    def leaf(self, name: str) -> Block:
        del name
        if self.chance(0.5):
            return Block([], [Block(self.it_leaf()), Block(self.alu())], ["bx lr"])
        frame = f"sp, sp, #{_FRAME_BYTES}"
        self.early_return = [f"add {frame}", "bx lr"]
        body = Block([f"sub {frame}"], self.plain_body(5), [f"add {frame}", "bx lr"])
        self.early_return = []
        return body

    def it_leaf(self) -> list[str]:
        """An IT block without the stack, which may return."""
        condition = self.condition()
        return [
            *self.flags(),
            f"itt {condition}",
            f"add{condition} r0, r0, #1",
            f"bx{condition} lr",
        ]

    def plain_body(self, size: int) -> list[Block]:
        return [self.simple() for _ in range(self.random.randrange(1, size + 1))]

    def framed(self, name: str) -> Block:
        del name
        frame = f"sp, sp, #{_FRAME_BYTES}"
        self.early_return = [f"add {frame}", "pop {r10, r11, pc}"]
        body = self.body(4)
        self.early_return = []
        head = ["push {r10, r11, lr}", f"sub {frame}"]
        ends = (["pop {r10, r11, pc}"], ["pop {r10, r11, lr}", "bx lr"])
        return Block(head, body, [f"add {frame}", *self.random.choice(ends)])

    def tail_calling(self, name: str) -> Block:
        plain = [f for f in self.callable if f not in self.recursive]
        if not plain:
            return self.framed(name)
        block = self.framed(name)
        block.after = [
            f"add sp, sp, #{_FRAME_BYTES}",
            "pop {r10, r11, lr}",
            f"b.w {self.random.choice(plain)}",
        ]
        return block

    def recursion(self, name: str) -> Block:
        end = self.label()
        frame = f"sp, sp, #{_FRAME_BYTES}"
        head = ["push {r10, lr}", f"sub {frame}", "subs r10, r10, #1", f"ble.w {end}"]
        self.recursive.append(name)
        body = self.plain_body(3)
        calls = Block([f"bl {name}"])
        return Block(head, [*body, calls], [f"{end}:", f"add {frame}", "pop {r10, pc}"])

    def loaded_return(self, name: str) -> Block:
        del name
        frame = f"sp, sp, #{_FRAME_BYTES}"
        return Block(
            ["push {lr}", f"sub {frame}"], self.plain_body(4), [f"add {frame}", "ldr pc, [sp], #4"]
        )

    def main(self) -> Block:
        body = [*self.body(5), self.loop_of_main()]
        end = self.random.choice((["pop {r4-r11, pc}"], ["pop {r4-r11, lr}", "bx lr"]))
        return _main(body, end, reads_counter=self.reads_counter, extended=self.extended)

    def loop_of_main(self) -> Block:
        self.depth = 1
        loop = self.loop()
        self.depth = 0
        return loop


def loop_of(name: str, lines: Sequence[str], count: int = 6, *, extended: bool = True) -> Program:
    """Return a program that runs given lines in a loop."""
    head = [f"mov r11, #{count}", f".L{name}:"]
    loop = Block(head, [Block(list(lines))], ["subs r11, r11, #1", f"bne.w .L{name}"])
    end = ["pop {r4-r11, pc}"]
    return Program(name, {name: _main([loop], end, reads_counter=True, extended=extended)})


def _main(body: list[Block], end: list[str], *, reads_counter: bool, extended: bool) -> Block:
    """Return the function that is called from outside: registers from the buffer and back."""
    frame = f"sp, sp, #{_FRAME_BYTES}"
    head = ["push {r4-r11, lr}", f"sub {frame}", "mov r8, r0", "mov r9, r1", "mov r7, r2"]
    head += _ENABLE_COUNTER if reads_counter else []
    head += [f"ldr r{i}, [r8, #{4 * i}]" for i in range(7)]
    head += ["vldmia r8, {s0-s7}"] if extended else []
    head += ["mov r10, #0", "mov r11, #0", "mov r12, r8"]
    head += [f"str r{i}, [sp, #{4 * i}]" for i in range(8)]
    tail = [f"add r12, r8, #{_RESULTS}", "stm r12!, {r0-r7}"]
    tail += ["vstmia r12, {s0-s7}"] if extended else []
    return Block(head, body, [*tail, f"add {frame}", *end])


def buffer(address: int, other: int, seed: int) -> bytes:
    """Return what a buffer holds at the start: random bytes, and nodes that point to each other.

    Args:
        address: Of this buffer.
        other: Of the other one; nodes point into both.
        seed: Of the bytes.
    """
    source = random.Random(seed)
    data = bytearray(source.randbytes(BUFFER_BYTES))
    for node in range(_NODE_COUNT):
        place = FAR_OFFSET + _NODES + 16 * node
        chosen = source.choice((address, other)) + FAR_OFFSET
        following = chosen + _NODES + 16 * source.randrange(_NODE_COUNT)
        pointed = chosen + source.randrange(0x100)
        data[place : place + 8] = b"".join(w.to_bytes(4, "little") for w in (following, pointed))
    return bytes(data)


def assemble(programs: Sequence[Program]) -> list[Assembled]:
    """Assemble all programs in one call of the assembler.

    Raises:
        ValueError: The assembler refused them; the message is its own.
    """
    text = _HEAD + "".join(program.text() for program in programs)
    with tempfile.TemporaryDirectory(prefix="thumbclock-programs-") as folder:
        source, script, elf = (Path(folder) / f"programs.{kind}" for kind in ("s", "ld", "elf"))
        source.write_text(text)
        script.write_text("ENTRY(0) SECTIONS { .text 0 : { *(.text) } /DISCARD/ : { *(.ARM*) } }")
        command = [
            sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf",
            "-mcpu=cortex_m7", "-nostdlib", "-T", str(script), str(source), "-o", str(elf),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(f"the assembler refused a generated program:\n{done.stderr}")
        with elf.open("rb") as file:
            return _split(ELFFile(file), [program.name for program in programs])


def _split(elf: ELFFile, names: Sequence[str]) -> list[Assembled]:
    """Cut the code into programs; each starts with the function of its name."""
    code = elf.get_section_by_name(".text").data()
    found = sorted(
        Function(symbol["st_value"] & ~1, symbol["st_size"], symbol.name)
        for symbol in elf.get_section_by_name(".symtab").iter_symbols()
        if symbol["st_info"]["type"] == "STT_FUNC"
    )
    addresses = {function.name: function.address for function in found}
    starts = [addresses[name] for name in names]
    return [
        Assembled(
            name,
            code[start:end],
            tuple(
                Function(f.address - start, f.size_bytes, f.name)
                for f in found
                if start <= f.address < end
            ),
        )
        for name, start, end in zip(names, starts, [*starts[1:], len(code)], strict=True)
    ]


def image(programs: Sequence[Assembled], base: int) -> Image:
    """Return an image with programs one behind the other, each at a page boundary."""
    code, functions = bytearray(), []
    for program in programs:
        start = base + len(code)
        functions += [Function(start + f.address, f.size_bytes, f.name) for f in program.functions]
        code += program.code + bytes(-len(program.code) % _PAGE_BYTES)
    return Image(
        name="random programs",
        sha256="",
        segments=(Segment(base, bytes(code)),),
        reserved=((base, base + len(code)),),
        entry=base,
        symbols={f.name: f.address for f in functions},
        functions=tuple(sorted(functions)),
        vector_candidates=(),
        ram_bytes=0,
        flash_bytes=len(code),
    )


if __name__ == "__main__":
    sys.stdout.write(generate(int(sys.argv[1])).text())
