"""The memoised engine and the stepped one agree on everything, whatever the program.

The stepped engine reads registers in front of each instruction and sees what the emulator skips, so
a disagreement is a fault of a recipe, of the tables, or of the native hook. Programs come from
seeds; ``python random_programs.py SEED`` prints one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import pytest
import random_programs
from hypothesis import given, settings
from hypothesis import strategies as st
from random_programs import BUFFER_BYTES, FAR_OFFSET, Assembled, Program

from thumbclock.errors import SimulationFault
from thumbclock.isa import decode
from thumbclock.machine import engine as engine_module
from thumbclock.machine import native
from thumbclock.machine.engine import MemoisedEngine
from thumbclock.machine.guest import Guest
from thumbclock.machine.machine import Machine
from thumbclock.machine.native import H

_PROGRAMS = 240
_GROUP = 8
_VARIANTS = 3
_STACK_BYTES = 512
_MAX_INSTRUCTIONS = 100_000
_DATA = Path(__file__).parents[1] / "data"
_CACHED_M7, _CACHED_M4 = (str(_DATA / f"cached-{core}.toml") for core in ("m7", "m4"))


@dataclass(frozen=True)
class Setting:
    """A board, and where a program and its two buffers are."""

    profile: str
    code: int
    buffers: tuple[int, int]

    def __str__(self) -> str:
        return f"{Path(self.profile).stem}-{self.code:08x}"


SETTINGS = (
    Setting("ideal-m7", 0x00000000, (0x20000000, 0x20002000)),
    Setting("ideal-m4", 0x08000000, (0x20000000, 0x20002000)),
    Setting("nucleo-h743zi", 0x00000000, (0x20000000, 0x24000000)),
    Setting("nucleo-h743zi", 0x08000000, (0x24000000, 0x20000000)),
    Setting("nucleo-h743zi", 0x24000000, (0x20000000, 0x30000000)),
    Setting("stm32f407g-disc1", 0x08000000, (0x20000000, 0x10000000)),
    Setting("stm32f407g-disc1", 0x20000000, (0x20010000, 0x10000000)),
    Setting(_CACHED_M7, 0x08000000, (0x20000000, 0x20400000)),
    Setting(_CACHED_M7, 0x20010000, (0x20000000, 0x20002000)),
    Setting(_CACHED_M4, 0x08000000, (0x20000000, 0x10000000)),
    Setting(_CACHED_M4, 0x20010000, (0x20000000, 0x20002000)),
    Setting("ideal-m33", 0x08000000, (0x20000000, 0x20002000)),
)


@dataclass(frozen=True)
class Observed:
    """All that a call leaves behind; sums are those of the machine so far."""

    value_cycles_instructions_stack: tuple[int, int, int, int]
    memory: tuple[bytes, ...]
    cycles: dict[int, int]
    counts: dict[int, int]
    stalls: dict[str, int]
    mix: dict[str, int]
    calls: dict[int, int]
    inclusive: dict[int, int]


class Bench:
    """A machine whose calls are observed."""

    def __init__(
        self,
        programs: Sequence[Assembled],
        setting: Setting,
        engine: Literal["memoised", "stepped"] = "memoised",
    ) -> None:
        image = random_programs.image(programs, setting.code)
        self.machine = Machine(image, setting.profile, engine=engine)
        self.buffers = setting.buffers

    def call(self, function: str, variant: int) -> Observed:
        """Call a function with fresh buffers; the variant swaps them and shifts one."""
        first, second = self.buffers if variant % 2 == 0 else reversed(self.buffers)
        machine = self.machine
        for at, other, seed in ((first, second, 1), (second, first, 2)):
            machine.write(at, random_programs.buffer(at, other, 16 * variant + seed))
        shift = (0, 4, 1, 2)[variant % 4]
        arguments = first + FAR_OFFSET, second + FAR_OFFSET + shift, 0x9E3779B9 * variant
        found = machine.call(function, *arguments, max_instructions=_MAX_INSTRUCTIONS)
        stack, account = machine.guest.register(13), machine.engine.account()
        return Observed(
            (found.value, found.cycles, found.instructions, found.stack_bytes),
            tuple(
                machine.read(start, size)
                for start, size in (
                    (first, BUFFER_BYTES),
                    (second, BUFFER_BYTES),
                    (stack - _STACK_BYTES, _STACK_BYTES),
                )
            ),
            *(
                {key: int(value) for key, value in sums.items() if value}
                for sums in (
                    account.cycles,
                    account.counts,
                    account.stalls,
                    account.mix,
                    account.calls,
                    account.inclusive,
                )
            ),
        )


def _differences(one: Mapping[object, int], other: Mapping[object, int]) -> dict[object, str]:
    keys = [k for k in {**one, **other} if one.get(k, 0) != other.get(k, 0)]
    return {k: f"{one.get(k, 0)}, not {other.get(k, 0)}" for k in keys}


def _explain(memoised: Observed, stepped: Observed, machine: Machine) -> str:
    """Return what differs, the memoised engine's figure first."""
    found = []
    for field in fields(Observed):
        one, other = getattr(memoised, field.name), getattr(stepped, field.name)
        if one == other:
            continue
        if not isinstance(one, dict):
            found.append(f"{field.name}: {one}, not {other}" if "_" in field.name else field.name)
            continue
        for key, text in _differences(one, other).items():
            where = str(key)
            if field.name in ("cycles", "counts"):
                where = f"{key:#x} {decode(machine.guest.read_code(key, 4), key).text}"
            found.append(f"{field.name}[{where}]: {text}")
    return "\n".join(found)


def _check(programs: Sequence[Assembled], setting: Setting, variants: int = _VARIANTS) -> None:
    """Run programs one after the other on both engines and compare after each call."""
    memoised, stepped = Bench(programs, setting), Bench(programs, setting, "stepped")
    for program in programs:
        for variant in range(variants):
            one, other = (b.call(program.name, variant) for b in (memoised, stepped))
            if one != other:
                why = _explain(one, other, stepped.machine)
                pytest.fail(f"{program.name} on {setting}, variant {variant}:\n{why}")


@pytest.fixture(scope="module")
def assembled() -> list[Assembled]:
    """All random programs, assembled in one call."""
    return random_programs.assemble([random_programs.generate(s) for s in range(_PROGRAMS)])


@pytest.mark.parametrize("group", range(_PROGRAMS // _GROUP))
def test_random_programs(assembled: list[Assembled], group: int) -> None:
    """Cycles, stalls, mix, calls, stack depth, result and memory are the same, on two boards."""
    programs = assembled[_GROUP * group : _GROUP * (group + 1)]
    _check(programs, SETTINGS[group % len(SETTINGS)])
    _check(programs, SETTINGS[(3 * group + 2) % len(SETTINGS)], variants=2)


_BASIC_SETTINGS = (
    Setting("ideal-m3", 0x08000000, (0x20000000, 0x20002000)),
    Setting("stm32f103", 0x08000000, (0x20000000, 0x20001000)),
    Setting("stm32f103", 0x20002000, (0x20000000, 0x20001000)),
)


@pytest.mark.parametrize("setting", _BASIC_SETTINGS, ids=str)
def test_cores_without_dsp_and_fpu(setting: Setting) -> None:
    """The same holds for a core that has less, and for its prefetch buffer."""
    programs = [random_programs.generate(seed, extended=False) for seed in range(4)]
    _check(random_programs.assemble(programs), setting)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(10_000, 1 << 30), st.sampled_from(SETTINGS))
def test_any_program(seed: int, setting: Setting) -> None:
    """The same holds for seeds that nobody chose."""
    _check(random_programs.assemble([random_programs.generate(seed)]), setting, variants=2)


# Cases that random programs reach seldom, or that were wrong once.

_CASES = {
    "predicated compare decides the next in its block": """
        cmp r0, r1
        ittee lt
        cmplt r2, r4
        ldrlt r5, [r9, #1]
        udivge r6, r3, r4
        strge r6, [r8, #4]""",
    "predicated subtraction sets flags behind its own result": """
        cmp r2, r3
        itt hi
        subshi.w r4, r4, r5
        ldrhi r6, [r9, #3]
        it ne
        ldrne r5, [r8, #8]
        and r12, r4, #0x7F
        ldr r6, [r8, r12]""",
    "stack pointer lowered by a run-time amount and raised again in one block": """
        and r12, r2, #0x38
        sub sp, sp, r12
        str r2, [sp, #-8]!
        ldr r3, [sp], #8
        add sp, sp, r12""",
    "operands of divides that no recipe can express": """
        smull r2, r3, r4, r5
        sdiv r6, r2, r3
        clz r2, r4
        udiv r3, r6, r2
        rbit r5, r3
        udiv r4, r5, r2
        adcs r5, r4, r3
        sdiv r5, r6, r5""",
    "pointer spilled, reloaded through another base, and followed": """
        and r12, r2, #0xFF
        add r12, r9, r12
        str r12, [sp, #8]
        mov r6, sp
        ldr r5, [r6, #8]
        ldr r4, [r5, #2]
        strb r4, [sp, #9]
        ldrh r3, [r6, #8]
        and r3, r3, #0xFE
        ldr r2, [r8, r3]""",
    "loads at addresses that differ by a bank or not": """
        ldr r2, [r8, #0]
        ldr r3, [r9, #4]
        ldr r4, [r9, #8]
        ldr r5, [r8, #12]
        ldrb r2, [r9, #5]
        ldrh r3, [r9, #9]""",
    "conditions of flags that floating point left": """
        vcmp.f32 s0, s1
        vmrs APSR_nzcv, fpscr
        itete gt
        ldrgt r2, [r9, #1]
        strle r3, [r9, #5]
        vldrgt s2, [r8, #4]
        udivle r4, r5, r2""",
    "memory behind a pointer chosen by a condition": """
        tst r2, #1
        ite eq
        moveq r12, r8
        movne r12, r9
        ldr r3, [r12, #2]
        strh r3, [r12, #7]
        strb r3, [r12, #7]""",
    "loads right behind an access to a peripheral": """
        movw r12, #0x1004
        movt r12, #0xE000
        ldr r2, [r12]
        ldr r3, [r8, #8]
        ldr r4, [r9, #4]
        str r2, [r8, #20]
        ldr r5, [r12]
        ldr r6, [r9, #4]
        ldr r5, [r12]
        ldrh r5, [r9, #5]
        ldr r3, [r12, #-4]
        str r3, [r12, #-4]
        strb r3, [r9, #5]
        ldr r3, [r9, #4]""",
    "stores to a peripheral at the end of an IT block, and behind it": """
        movw r12, #0xE018
        movt r12, #0xE000
        cmp r2, r3
        ite hi
        ldrhi r5, [r9, #1]
        strls r3, [r12]
        add r4, r4, #1
        add r5, r5, r4
        vmov s1, r5
        ldr r6, [r8, #4]
        str r4, [r8, #8]
        tst r4, #1
        itt ne
        strne r4, [r12]
        subne r5, r5, #3
        str r5, [r8, #12]
        tst r4, #2
        it ne
        strne r4, [r12]""",
    "counter read twice in one block and within an IT block": """
        movw r12, #0x1004
        movt r12, #0xE000
        ldr r2, [r12]
        udiv r3, r4, r5
        ldr r6, [r12]
        cmp r2, r6
        itt ne
        addne r3, r3, #1
        ldrne r5, [r12]
        strd r2, r6, [r8, #16]
        str r5, [r8, #24]""",
}


def _case(text: str, name: str) -> Program:
    """Return a program that runs some lines in a loop with changing data."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return random_programs.loop_of(name, [*lines, "eor r2, r2, r3, ror #5", "add r4, r4, r2"])


@pytest.fixture(scope="module")
def cases() -> dict[str, Assembled]:
    """The targeted cases, assembled in one call."""
    programs = [_case(text, f"case{i}") for i, text in enumerate(_CASES.values())]
    return dict(zip(_CASES, random_programs.assemble(programs), strict=True))


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("name", _CASES)
def test_case(cases: dict[str, Assembled], name: str, setting: Setting) -> None:
    """A targeted case gives the same on both engines."""
    _check([cases[name]], setting, variants=4)


def test_hooks_change_nothing(assembled: list[Assembled]) -> None:
    """Both engines leave in memory what the emulator leaves without any hook.

    With a memory hook Unicorn 2.1.4 does not: it leaves ITSTATE behind an access in an IT block.
    """
    setting = SETTINGS[1]
    checked = 0
    for program in assembled[: 5 * _GROUP]:
        if _READS_COUNTER in program.code:
            continue
        benches = [Bench([program], setting, kind) for kind in ("memoised", "stepped")]
        bare = Bench([program], setting)
        memories = [bench.call(program.name, 1).memory[:2] for bench in benches]
        assert memories == [_run_bare(bare, program)] * 2, program.name
        checked += 1
    assert checked > 2 * _GROUP


_READS_COUNTER = bytes.fromhex("41f2040c")  # movw r12, #0x1004


def _run_bare(bench: Bench, program: Assembled) -> tuple[bytes, ...]:
    """Run a program on a guest that nothing is hooked to; return what it leaves in memory."""
    guest = Guest(bench.machine.profile)
    guest.load(SETTINGS[1].code, program.code, program.name)
    second, first = bench.buffers
    for at, other, seed in ((first, second, 1), (second, first, 2)):
        guest.write(at, random_programs.buffer(at, other, 16 + seed))
    stack = bench.machine.guest.memory.region_at(first).end
    end = SETTINGS[1].code - 0x1000
    arguments = (first + FAR_OFFSET, second + FAR_OFFSET + 4, 0x9E3779B9)
    for number, value in (*enumerate(arguments), (13, stack), (14, end | 1)):
        guest.set_register(number, value)
    guest.uc.emu_start(SETTINGS[1].code | 1, end)
    return guest.read(first, BUFFER_BYTES), guest.read(second, BUFFER_BYTES)


@pytest.mark.parametrize("engine", ["memoised", "stepped"])
def test_store_that_fails_in_an_it_block(engine: Literal["memoised", "stepped"]) -> None:
    """The fault is that of the store, although Unicorn runs on behind the IT block."""
    lines = ["mov r12, #0xF0000000", "cmp r2, r2", "it eq", "streq r3, [r12]", "add r5, r5, #1"]
    (program,) = random_programs.assemble(
        [random_programs.loop_of("bad", [*lines, "ldr r6, [r8]"])]
    )
    bench = Bench([program], SETTINGS[1], engine)
    with pytest.raises(SimulationFault, match=r"'streq.w r3, \[ip\]' wrote to 0xf0000000"):
        bench.call("bad", 0)


# The tables.


@pytest.mark.parametrize(("limit", "count"), [("MAX_ENTRIES", 40), ("MAX_UNITS", 24)])
def test_flushed_tables_change_nothing(
    assembled: list[Assembled], monkeypatch: pytest.MonkeyPatch, limit: str, count: int
) -> None:
    """Tables that fill up are emptied, any number of times, without a trace in the sums."""
    flushes = 0
    flush = MemoisedEngine._flush

    def counted(self: MemoisedEngine) -> None:
        nonlocal flushes
        flushes += 1
        flush(self)

    monkeypatch.setattr(MemoisedEngine, "_flush", counted)
    monkeypatch.setattr(engine_module.native, limit, count)
    for setting in SETTINGS[:3]:
        _check(assembled[:_GROUP], setting)
    assert flushes > 20


def test_registers_read_by_calls_give_the_same(
    assembled: list[Assembled],
) -> None:
    """Without the address of the register file, registers come from Unicorn's own function."""
    programs, setting = assembled[:_GROUP], SETTINGS[2]
    direct, called = Bench(programs, setting), Bench(programs, setting)
    assert isinstance(called.machine.engine, MemoisedEngine)
    called.machine.engine._arena[H.REGISTERS] = 0
    for program in programs:
        assert direct.call(program.name, 1) == called.call(program.name, 1)


def test_situations_recur(assembled: list[Assembled]) -> None:
    """A program that runs again with the same data finds all its situations in the tables."""
    bench = Bench(assembled[:1], SETTINGS[0])
    engine = bench.machine.engine
    assert isinstance(engine, MemoisedEngine)
    for _ in range(4):  # the predictor learns, so the first runs differ
        bench.call(assembled[0].name, 0)
    sizes = engine.table_sizes
    bench.call(assembled[0].name, 0)
    assert engine.table_sizes == sizes
    assert sizes["entries"] < native.MAX_ENTRIES
