"""Accesses that share an index but not a memory are priced by the memory of each."""

from thumbclock.firmware import program
from thumbclock.machine import CallResult, Machine
from thumbclock.profiles import load_profile, parse_placement
from thumbclock.toolchain import Source, build

_SOURCE = """
#include "thumbclock.h"
#define COUNT 64
static const int slow[COUNT] TC_WEIGHTS = {1, 2, 3};
static int fast[COUNT] = {4, 5, 6};
__attribute__((noinline)) int dot(void)
{
    int sum = 0;
#pragma clang loop unroll(disable) vectorize(disable)
    for (int i = 0; i < COUNT; i++) {
        const int *a, *b;
        __asm__ volatile("movw %0, :lower16:%1; movt %0, :upper16:%1" : "=r"(a) : "i"(slow));
        __asm__ volatile("movw %0, :lower16:%1; movt %0, :upper16:%1" : "=r"(b) : "i"(fast));
        __asm__ volatile("" ::: "memory");
        sum += a[i] * b[i];
    }
    return sum;
}
int main(void) { return dot() & 0; }
"""


def test_each_table_has_its_own_memory() -> None:
    """One table in flash and one in DTCM, by one index: both engines see both memories."""
    profile = load_profile("nucleo-h743zi")
    placement = parse_placement("weights=flash", profile.board)
    elf = build(program((Source.generated("tables.c", _SOURCE),), profile, placement)).elf

    def price(engine: str) -> tuple[CallResult, dict[str, int]]:
        machine = Machine(elf, profile, engine=engine)  # type: ignore[arg-type]
        machine.start("main")
        return machine.call("dot"), machine.result().stalls

    assert price("memoised") == price("stepped")
