"""Programs with symbols: calls, functions, stack, faults by source line, and newlib images."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from thumbclock.errors import SimulationFault, UsageError
from thumbclock.firmware import program
from thumbclock.machine import Machine, simulate
from thumbclock.profiles import load_profile
from thumbclock.result import FunctionCost, RunResult
from thumbclock.toolchain import Source, build

# Line numbers of this text are part of the tests.
PROGRAM = """\
#include <stdint.h>
#include "thumbclock.h"
#define KEEP __attribute__((noinline, used))
volatile uint32_t sink, *volatile nowhere = (uint32_t *)0x10000000;
KEEP uint32_t weigh(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{ return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f; }
KEEP uint32_t leaf(uint32_t n) { uint32_t s = 0; while (n--) s += sink; return s; }
KEEP uint32_t twice(uint32_t n) { uint32_t a = leaf(n); sink = a; return a + leaf(n); }
KEEP uint32_t tail(uint32_t n) { sink = n; return leaf(n); }
KEEP uint32_t outer(uint32_t n) { uint32_t a = tail(n); sink = a; return a + 1; }
KEEP uint32_t fib(uint32_t n) { if (n > 1) { n = fib(n - 1) + fib(n - 2); sink = n; } return n; }
KEEP uint32_t deep(uint32_t n) { volatile uint32_t a[64]; a[n & 63] = n;
    return n ? deep(n - 1) + a[n & 63] : 0; }
KEEP uint32_t poke(uint32_t n)
{
    *nowhere = n;
    return n;
}
KEEP uint32_t call_poke(uint32_t n) { uint32_t a = poke(n); sink = a; return a + 1; }
void *volatile kept[] = {(void *)weigh, (void *)twice, (void *)outer, (void *)deep,
                         (void *)call_poke};
int main(void) { tc_puts("hello\\n"); sink = (uint32_t)kept[0] * 0 + fib(10); return (int)sink; }
"""


@pytest.fixture(scope="module")
def image() -> Path:
    """The program, with debug information."""
    source = Source.generated("program.c", PROGRAM)
    request = program((source,), load_profile("ideal-m7"), optimisation="-O1", extra_flags=("-g",))
    return build(request).elf


@pytest.fixture(params=["memoised", "stepped"])
def machine(request: pytest.FixtureRequest, image: Path) -> Machine:
    """The program at main, on both engines."""
    made = Machine(image, "ideal-m7", engine=request.param)
    made.start("main")
    return made


def costs(machine: Machine) -> dict[str, FunctionCost]:
    """Return functions by name."""
    return {function.name: function for function in machine.result().functions}


def test_run_to_the_end(image: Path) -> None:
    """A run reports exit code, output, and sums that agree with each other."""
    output = bytearray()
    result = simulate(image, profile="ideal-m7", output=output.extend)
    assert (result.exit.reason, result.exit.code) == ("exit", 55)
    assert bytes(output) == b"hello\n"
    assert sum(f.exclusive_cycles for f in result.functions) == result.cycles
    assert sum(f.instructions for f in result.functions) == result.instructions
    assert sum(result.mix.values()) == result.instructions
    assert result.time_us == pytest.approx(result.cycles / 100)


def test_arguments_beyond_four_are_on_the_stack(machine: Machine) -> None:
    """Six arguments arrive, and the stack pointer is as it was."""
    before = machine.guest.register(13)
    assert machine.call("weigh", 1, 2, 3, 4, 5, 6).value == 654321
    assert machine.guest.register(13) == before


def test_negative_arguments_and_results(machine: Machine) -> None:
    """Integers are 32 bits wide, results unsigned."""
    assert machine.call("weigh", -1, 0, 0, 0, 0, 0).value == 0xFFFFFFFF


def test_call_costs_add_up(machine: Machine) -> None:
    """Exclusive cycles are a function's own, inclusive ones those of its callees too."""
    before = machine.cycles
    machine.write(machine.symbol("sink"), bytes(4))
    result = machine.call("twice", 100)
    found = costs(machine)
    assert found["leaf"].calls == 2
    assert found["twice"].calls == 1
    assert found["leaf"].inclusive_cycles == found["leaf"].exclusive_cycles
    assert found["twice"].inclusive_cycles == result.cycles
    own = found["twice"].exclusive_cycles
    assert own + found["leaf"].inclusive_cycles == result.cycles == machine.cycles - before


def test_recursion_counts_once(machine: Machine) -> None:
    """Cycles of nested calls of a function are not counted twice."""
    result = machine.call("fib", 10)
    found = costs(machine)["fib"]
    assert result.value == 55
    assert found.calls == 177
    assert found.inclusive_cycles == found.exclusive_cycles == result.cycles


def test_tail_call(machine: Machine) -> None:
    """A function entered by a branch is a call, and belongs to who called its caller."""
    result = machine.call("outer", 20)
    found = costs(machine)
    assert found["leaf"].calls == found["tail"].calls == 1
    assert found["outer"].inclusive_cycles == result.cycles
    assert found["tail"].inclusive_cycles >= found["leaf"].inclusive_cycles
    total = sum(found[name].exclusive_cycles for name in ("outer", "tail", "leaf"))
    assert total == result.cycles


def test_stack_depth(machine: Machine) -> None:
    """The deepest stack of a call is known to the byte, for each call anew."""
    deep = [machine.call("deep", n).stack_bytes for n in (10, 20, 5)]
    frame = (deep[1] - deep[0]) // 10
    assert frame > 256
    assert frame % 8 == 0
    assert deep == [deep[0], deep[0] + 10 * frame, deep[0] - 5 * frame]
    assert machine.result().stack_bytes >= deep[1]


def test_stack_overflow(machine: Machine) -> None:
    """A stack that grows into the data below it is a fault, not a wrong result."""
    with pytest.raises(SimulationFault, match=r"stack overflow.*grew below 0x"):
        machine.call("deep", 100_000)
    assert machine.result().stack_bytes > 1000  # what it used until then is told, too


def test_fault_report(machine: Machine) -> None:
    """It names source line, function, open calls, and the access."""
    with pytest.raises(SimulationFault, match=r"program\.c:16.*wrote to 0x10000000"):
        machine.call("call_poke", 7)
    fault = machine.result().fault
    assert fault is not None
    assert fault.function == "poke"
    assert fault.source is not None
    assert fault.source.endswith("program.c:16")
    assert fault.last_calls[-2:] == ("call_poke", "poke")


def test_call_after_a_fault(machine: Machine) -> None:
    """A fault leaves nothing behind that would change the next call."""
    clean = machine.call("fib", 8)
    with pytest.raises(SimulationFault):
        machine.call("call_poke", 7)
    again = machine.call("fib", 8)
    assert (again.value, again.instructions) == (clean.value, clean.instructions)


def test_calls_repeat(machine: Machine) -> None:
    """Once the predictor is warm, a call takes the same time every time."""
    warm = [machine.call("twice", 50) for _ in range(6)]
    assert warm[-1].cycles == warm[-2].cycles <= warm[0].cycles


def test_limits_of_a_call(machine: Machine) -> None:
    """A call that takes too long is ended, and says why."""
    with pytest.raises(SimulationFault, match="instruction limit"):
        machine.call("leaf", 1_000_000, max_instructions=1000)


def test_unknown_symbol(machine: Machine) -> None:
    """The error suggests symbols that look like it."""
    with pytest.raises(UsageError, match=r"no symbol 'lea'.*did you mean.*leaf"):
        machine.call("lea")


def test_second_reset_is_refused(machine: Machine) -> None:
    """Memory is not as at reset any more."""
    with pytest.raises(UsageError, match="already ran"):
        machine.run()


def test_start_beyond_the_end(image: Path) -> None:
    """A symbol that the program never reaches is reported as that."""
    with pytest.raises(SimulationFault, match=r"exited with code 55 before it reached poke"):
        Machine(image, "ideal-m7").start("poke")


def test_progress_is_told(image: Path) -> None:
    """It rises to the end of the run."""
    seen: list[tuple[int, int]] = []
    collect: Callable[[int, int], None] = lambda c, i: seen.append((c, i))  # noqa: E731
    result = Machine(image, "ideal-m7").run(progress=collect)
    assert seen == sorted(seen)
    assert 0 < seen[-1][1] <= result.instructions


NEWLIB = r"""
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
    double *values = malloc(100 * sizeof *values), sum = 0;
    for (int i = 0; i < 100; i++) {
        values[i] = i * 0.5;
        sum += sqrt(values[i]);
    }
    char *text = malloc(1000);
    memset(text, 'x', 999);
    text[999] = 0;
    printf("%.3f %g %d\n", sum, 1.5f, (int)strlen(text));
    free(text);
    free(values);
    return 7;
}
"""
FPU = {"m4": "fpv4-sp-d16", "m7": "fpv5-d16"}


@pytest.mark.needs_gcc
@pytest.mark.parametrize("optimisation", ["-O0", "-O2"])
@pytest.mark.parametrize("abi", ["hard", "soft"])
@pytest.mark.parametrize("core", FPU)
def test_newlib(core: str, abi: str, optimisation: str, tmp_path: Path) -> None:
    """A hosted program, linked as its toolchain links by default, prints, allocates and ends."""
    source, elf = tmp_path / "hosted.c", tmp_path / "hosted.elf"
    source.write_text(NEWLIB)
    float_flags = [f"-mfloat-abi={abi}", *([f"-mfpu={FPU[core]}"] if abi == "hard" else [])]
    command = ["arm-none-eabi-gcc", f"-mcpu=cortex-{core}", "-mthumb", *float_flags, optimisation]
    files = [str(source), "-o", str(elf), "-lm"]
    subprocess.run([*command, "--specs=rdimon.specs", *files], check=True)
    output = bytearray()
    result: RunResult = simulate(elf, profile=f"ideal-{core}", output=output.extend, timeout_s=30)
    assert (result.exit.reason, result.exit.code) == ("exit", 7)
    assert bytes(output) == b"467.725 1.5 999\n"


def test_only_the_stepped_engine_checks_accesses(image: Path) -> None:
    """The memoised engine refuses what it cannot do."""
    with pytest.raises(UsageError, match="engine='stepped'"):
        Machine(image, "ideal-m7").restrict([], [])
