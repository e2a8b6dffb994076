"""Small programs for the command line to run, built with the project's own compiler."""

from pathlib import Path

from thumbclock.firmware import program
from thumbclock.profiles import load_profile
from thumbclock.toolchain import Source, build

PROFILE = "nucleo-h743zi"

SOURCES = {
    "hello": """
        __attribute__((noinline)) int square(int x) { return x * x; }
        static volatile int seven = 7;
        int main(void) { tc_puts("hello\\n"); return square(seven) - 49; }
    """,
    "fails": "int main(void) { return 7; }",
    "forever": r"""
        int main(void) { tc_puts("on\n"); for (;;) __asm__ volatile(""); }
    """,
    "nowhere": """
        void (*volatile where)(void) = (void (*)(void))0x60000001;
        int main(void) { where(); return 0; }
    """,
    "overflow": """
        volatile int sink;
        __attribute__((noinline)) int deeper(int n)
        {
            volatile int room[64];
            room[n & 63] = n;
            sink += room[n & 63];
            return deeper(n + 1) + room[(n + 1) & 63];
        }
        int main(void) { return deeper(0); }
    """,
    "undefined": 'int main(void) { __asm__ volatile("udf #1"); return 0; }',
    "null": """
        void (*volatile where)(void) = 0;
        int main(void) { where(); return 0; }
    """,
    "slides": """
        void (*volatile where)(void) = (void (*)(void))0x1001;
        int main(void) { where(); return 0; }
    """,
    "pointer": """
        int main(void)
        {
            register int operation __asm__("r0") = 4;
            register int text __asm__("r1") = 0x60000000;
            __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(text) : "memory");
            return 0;
        }
    """,
    "no_fpu": """
        int main(void)
        {
            *(volatile unsigned *)0xE000ED88 = 0;
            __asm__ volatile("dsb; isb; vadd.f32 s0, s0, s0");
            return 0;
        }
    """,
    "ticks": """
        int main(void)
        {
            *(volatile unsigned *)0xE000E014 = 999;
            *(volatile unsigned *)0xE000E010 = 7;
            return 0;
        }
    """,
    "waits": 'int main(void) { for (;;) __asm__ volatile("wfi"); }',
}


def build_program(name: str) -> Path:
    """Return the ELF of one of the programs."""
    source = Source.generated(f"{name}.c", f'#include "thumbclock.h"\n{SOURCES[name]}')
    flags = ("-Wno-infinite-recursion",)
    request = program((source,), load_profile(PROFILE), name=name, extra_flags=flags)
    return build(request).elf
