"""A program with everything that a figures file can ask for: places, words to set, own counts."""

from pathlib import Path

from thumbclock.firmware import program
from thumbclock.profiles import load_profile
from thumbclock.toolchain import Source, build

PROFILE = "ideal-m4"

_SOURCE = """
#include "thumbclock.h"
#define CYCCNT (*(volatile unsigned *)0xE0001004)
volatile unsigned rounds = 2;
volatile unsigned counted[2];
unsigned table[4] = {1, 2, 3, 4};
__attribute__((noinline)) void enter(void) { __asm__ volatile(""); }
__attribute__((noinline)) void leave(void) { __asm__ volatile(""); }
__attribute__((noinline)) unsigned work(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        __asm__ volatile("nop");
    return count;
}
__attribute__((noinline)) unsigned first(const unsigned *words, unsigned index)
{
    return words[index];
}
__attribute__((noinline)) void crash(void) { __asm__ volatile("udf #1"); }
int main(void)
{
    *(volatile unsigned *)0xE000EDFC |= 1u << 24;
    *(volatile unsigned *)0xE0001000 |= 1;
    for (unsigned i = 1; i <= 3; i++) {
        enter();
        work(i * rounds);
        leave();
    }
    unsigned before = CYCCNT;
    work(10);
    counted[1] = CYCCNT - before;
    enter();
    if (rounds == 12345)
        crash();
    return (int)first(table, 0) - 1;
}
"""


def build_counted() -> Path:
    """Return its ELF."""
    source = Source.generated("counted.c", _SOURCE)
    return build(program((source,), load_profile(PROFILE), name="counted")).elf
