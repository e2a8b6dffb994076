"""The search of instruction orders: its costs are those of a run, and its orders are equivalent."""

import itertools
import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_loops import function, random_body

from thumbclock import Machine, build, load_profile
from thumbclock.errors import ThumbclockError, UsageError
from thumbclock.firmware import program
from thumbclock.studies.schedule import (
    Assembly,
    Body,
    Costs,
    Excerpt,
    Target,
    check_equivalence,
    make_body,
    schedule,
    search,
)
from thumbclock.studies.schedule.encoding import with_offset
from thumbclock.toolchain import Source, find_toolchain

ASSEMBLY = Assembly(load_profile("ideal-m7"), find_toolchain())
HEAD = "    .syntax unified\n    .thumb\n"
MAIN = (
    "unsigned char room[65536] __attribute__((aligned(8)));\nint main(void) { return room[0]; }\n"
)
LOOPS = 8
CONV = Path(__file__).parents[2] / "kernels" / "conv"


def body_of(folder: Path, lines: list[str], *, distinct: bool = False) -> Body:
    """Return a loop of these instructions as the search sees it."""
    path = folder / "loop.S"
    path.write_text(HEAD + function("f", lines), encoding="utf-8")
    return make_body(Excerpt.find(path, "f_loop").assemble(ASSEMBLY), distinct=distinct)


def cycles(body: Body, profile: str, order: list[int] | None = None) -> Fraction:
    """Return what an order costs on a profile, the original order where none is given."""
    chosen = body.original if order is None else order
    forms = body.forms(chosen)
    assert forms is not None
    return Costs(body, load_profile(profile), {}).cycles(chosen, forms)


def learnt_cycles(machine: Machine, function: str, *arguments: int) -> int:
    """Return the cycles of a call that the branch predictor has seen before."""
    return [machine.call(function, *arguments).cycles for _ in range(4)][-1]


def legal_orders(body: Body) -> list[list[int]]:
    """Return every order that keeps dependences and can encode its offsets."""
    return [
        list(order)
        for order in itertools.permutations(body.original)
        if all(not body.before[n] >> m & 1 for p, n in enumerate(order) for m in order[p + 1 :])
        and body.forms(order) is not None
    ]


# What an order costs.


@pytest.mark.parametrize("profile", ["ideal-m7", "ideal-m4", "ideal-m33", "ideal-m3"])
def test_costs_are_those_of_a_run(profile: str, tmp_path: Path) -> None:
    """Cycles per iteration equal the difference of two runs of the loop."""
    dsp = profile != "ideal-m3"
    bodies = [random_body(seed, 6 + 4 * seed, dsp=dsp) for seed in range(LOOPS)]
    text = HEAD + "".join(function(f"loop{n}", body) for n, body in enumerate(bodies))
    path = tmp_path / "loops.S"
    path.write_text(text, encoding="utf-8")
    board = load_profile(profile)
    used = "".join(f"extern char loop{n}[]; const char *use{n} = loop{n};" for n in range(LOOPS))
    sources = (Source.file(path), Source.generated("main.c", used + MAIN))
    kept = tuple(f"-Wl,-u,use{n}" for n in range(LOOPS))
    machine = Machine(build(program(sources, board, extra_flags=kept)).elf, board)
    machine.start("main")
    room = machine.symbol("room")
    for n in range(LOOPS):
        listing = Excerpt.find(path, f"loop{n}_loop").assemble(ASSEMBLY)
        body = make_body(listing, distinct=False)
        arguments = (room, room + 20480, room + 40960)
        short, long = (learnt_cycles(machine, f"loop{n}", *arguments, k) for k in (320, 352))
        assert cycles(body, profile) == Fraction(long - short, 32), bodies[n]


def test_costs_of_a_shipped_kernel_are_those_of_a_run() -> None:
    """So it is for a loop with a frame on the stack, from tightly coupled memories."""
    board = load_profile("nucleo-h743zi")
    path = CONV / "w4a4_dot_m7.S"
    used = "extern char tc_dot_w4a4[]; const char *use = tc_dot_w4a4;\n"
    sources = (Source.file(path), Source.generated("main.c", used + MAIN))
    machine = Machine(build(program(sources, board, extra_flags=("-Wl,-u,use",))).elf, board)
    machine.start("main")
    room = machine.symbol("room")
    listing = Excerpt.find(path, ".Lloop").assemble(ASSEMBLY)
    short, long = (
        learnt_cycles(machine, "tc_dot_w4a4", room, room + 30000, room + 60000, steps, 1)
        for steps in (300, 428)
    )
    body = make_body(listing, distinct=False)
    assert cycles(body, "nucleo-h743zi") == Fraction(long - short, 128)


@pytest.mark.parametrize("profile", ["ideal-m7", "ideal-m4", "ideal-m33"])
def test_search_finds_the_best_of_all_orders(profile: str, tmp_path: Path) -> None:
    """Of a loop that is small enough to try every order; none costs less than the floor."""
    lines = [
        "ldr r4, [r0], #8",
        "smlad r8, r4, r5, r8",
        "ldr r6, [r1, #4]",
        "sxtb16 r7, r6",
        "smlad r9, r7, r5, r9",
        "ldr r5, [r1], #8",
    ]
    body = body_of(tmp_path, lines)
    costs = Costs(body, load_profile(profile), {})
    orders = legal_orders(body)
    assert len(orders) > 20
    best = min(cycles(body, profile, order) for order in orders)
    floor = costs.floor()
    found = search(body, costs.cycles, costs.estimate, steps=3000, seed=1, goal=Fraction(floor))
    assert floor <= best == found.cost < cycles(body, profile)


def test_low_bits_decide_banks(tmp_path: Path) -> None:
    """Loads of one bank do not pair on the M7; the base's low bits decide which bank it is."""
    body = body_of(tmp_path, ["ldr r4, [r0]", "ldr r5, [r1]"] * 2)
    forms = body.forms(body.original)
    assert forms is not None
    apart = Costs(body, load_profile("ideal-m7"), {1: 4}).cycles(body.original, forms)
    assert apart < Costs(body, load_profile("ideal-m7"), {}).cycles(body.original, forms)


# What may move.


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(100, 10**6), distinct=st.booleans())
def test_orders_on_the_way_are_equivalent(
    seed: int, distinct: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every order that the search can reach does the same, whatever it costs."""
    body = body_of(tmp_path_factory.mktemp("loop"), random_body(seed, 12), distinct=distinct)
    prices = random.Random(seed)

    def anything(*_: object) -> Fraction:
        return Fraction(prices.randrange(100))

    found = search(body, anything, anything, steps=60, seed=seed, goal=Fraction(-1))
    forms = body.forms(found.order)
    assert forms is not None
    check_equivalence(body, found.order, forms, distinct=distinct, trials=8)


def test_running_tells_orders_that_are_not_equivalent(tmp_path: Path) -> None:
    """The proof by running finds a register, the flags and memory."""
    path = tmp_path / "two.S"
    for first, second, what in (
        ("add r4, r5, r6", "add r5, r4, r6", "r4"),
        ("adds r4, r5, #1", "cmp r6, r7", "flags"),
        ("str r4, [r0]", "str r5, [r0, #2]", "memory"),
        ("str r4, [r0]", "str r5, [r1]", "memory"),
        ("vadd.f32 s0, s1, s2", "vmul.f32 s3, s0, s0", "FP register"),
    ):
        path.write_text(f"{HEAD}first: {first}\n {second}\nlast:\n", encoding="utf-8")
        body = make_body(Excerpt.find(path, "first", "last").assemble(ASSEMBLY), distinct=False)
        with pytest.raises(ThumbclockError, match=what):
            check_equivalence(body, [1, 0], [0, 0], distinct=False)


def test_memory_order(tmp_path: Path) -> None:
    """Accesses keep their order unless their addresses differ for certain, or by promise."""
    lines = ["str r4, [r0]", "ldr r5, [r0, #4]", "ldr r6, [r1]", "str r7, [r0, #6]"]
    body = body_of(tmp_path, lines)
    assert [bin(b) for b in body.before[:4]] == ["0b0", "0b0", "0b1", "0b110"]
    body = body_of(tmp_path, lines, distinct=True)
    assert [bin(b) for b in body.before[:4]] == ["0b0", "0b0", "0b0", "0b10"]


def test_offsets_follow_their_base(tmp_path: Path) -> None:
    """A load passes an update of its base, with another offset, while the encoding can hold it."""
    body = body_of(tmp_path, ["ldr r4, [r0, #4]", "ldr r5, [r0], #8", "ldr.w r6, [r0, #4080]"])
    texts = [[None if f is None else f.text for f in forms] for forms in body.variants[:3]]
    assert texts[0] == ["ldr r4, [r0, #4]", None]  # 16 bits have no negative offset
    assert texts[1] == ["ldr r5, [r0], #8"]
    assert texts[2] == ["ldr.w r6, [r0, #0xff8]", "ldr.w r6, [r0, #0xff0]"]


@pytest.mark.parametrize(
    ("mnemonic", "offsets"),
    [
        ("ldr r9, [r1, #{}]", (-255, -4, 0, 8, 4095)),
        ("ldrsb r9, [r1, #{}]", (-255, 0, 255)),
        ("strh r9, [r1, #{}]", (-1, 0, 4095)),
        ("ldr r2, [sp, #{}]", (0, 4, 1020)),
        ("ldrh r2, [r3, #{}]", (0, 2, 62)),
        ("ldrb r2, [r3, #{}]", (0, 31)),
        ("str r2, [r3, #{}]", (0, 124)),
        ("ldrd r2, r9, [r3, #{}]", (-1020, 0, 1020)),
        ("vstr d3, [r3, #{}]", (-1020, 0, 1020)),
    ],
)
def test_offsets_are_encoded_as_the_assembler_does(
    mnemonic: str, offsets: tuple[int, ...], tmp_path: Path
) -> None:
    """From any of these offsets to any other gives the assembler's bytes; beyond them, nothing."""
    path = tmp_path / "offsets.s"
    lines = "\n".join(mnemonic.format(offset) for offset in offsets)
    path.write_text(f"{HEAD}first:\n{lines}\nlast:\n", encoding="utf-8")
    codes = Excerpt.find(path, "first", "last").assemble(ASSEMBLY).code
    for code, (offset, wanted) in itertools.product(codes, zip(offsets, codes, strict=True)):
        assert with_offset(code, offset) == wanted
    assert with_offset(codes[0], 4096) is None
    assert with_offset(codes[0], -1024) is None
    assert with_offset(bytes.fromhex("0844"), 0) is None  # add r0, r1


# Files.


SOURCE = """\
#define A r0
    .macro LOADS offset
    ldr     r4, [A, #\\offset]
    ldr     r5, [A, #\\offset + 8]
    .endm
    .text
    .syntax unified
    .thumb
loop:                       @ one: two;
    LOADS   0               /* bne loop */
    smlad   r8, r4, r5, r8
.Lentry:
second: smlad r9, r4, r6, r9
    ldr     r6, [A], #16
    subs    r3, r3, #1;  bne loop   // back
    bx      lr
"""


def test_writes_the_order_into_the_source(tmp_path: Path) -> None:
    """Labels, the branch and all that surrounds the loop stay; the text assembles to the order."""
    path = tmp_path / "kernel.S"
    path.write_text(SOURCE, encoding="utf-8")
    targets = [Target(load_profile("ideal-m4"), 2), Target(load_profile("ideal-m7"))]
    outcome = schedule(Excerpt.find(path, "loop"), ASSEMBLY, targets, steps=500)
    assert outcome.text.startswith(SOURCE[: SOURCE.index("    LOADS   0")])
    assert outcome.text.endswith("bne loop   // back\n    bx      lr\n")
    assert "ldr     r4, [A]\n" in outcome.text
    assert list(outcome.result.labels) == [".Lentry", "second"]
    path.write_text(outcome.text, encoding="utf-8")
    again = schedule(Excerpt.find(path, "loop"), ASSEMBLY, targets, steps=1)
    for found, reread in zip(outcome.result.targets, again.result.targets, strict=True):
        assert found.after_cycles == reread.before_cycles
        assert found.after_cycles <= found.before_cycles


def test_a_seed_decides_the_result(tmp_path: Path) -> None:
    """Two searches with one seed give the same order."""
    path = tmp_path / "kernel.S"
    path.write_text(HEAD + function("f", random_body(5, 20)), encoding="utf-8")
    target = [Target(load_profile("ideal-m7"))]
    excerpt = Excerpt.find(path, "f_loop")
    first, second = (schedule(excerpt, ASSEMBLY, target, steps=400, seed=3) for _ in range(2))
    assert first == second


def test_an_interrupt_keeps_the_best_order(tmp_path: Path) -> None:
    """Ctrl-C ends the search, not the command."""
    body = body_of(tmp_path, random_body(7, 20))
    costs = Costs(body, load_profile("ideal-m7"), {})

    def interrupt(steps: int, _best: Fraction) -> None:
        if steps > 300:
            raise KeyboardInterrupt

    found = search(
        body, costs.cycles, costs.estimate, steps=5000, seed=0, goal=Fraction(0), report=interrupt
    )
    assert found.interrupted
    assert 300 < found.steps < 5000
    assert found.cost <= cycles(body, "ideal-m7")


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        ("loop:\n nop\n", "loop", "no branch to loop behind it"),
        ("nop\n", "loop", "no label loop"),
        ("loop: nop\n bl loop2\nloop2: bne loop\n", "loop", "'bl .*' inside the loop"),
        (".macro M\nloop: nop\n bne loop\n.endm\n", "loop", "inside a macro"),
        ("loop:\n bne loop\n", "loop", "no instruction"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(
    text: str, label: str, message: str, tmp_path: Path
) -> None:
    """With the reason, and what to do."""
    path = tmp_path / "kernel.S"
    path.write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        Excerpt.find(path, label).assemble(ASSEMBLY)
