"""Random loops: what holds for orders of instructions must hold for any of them."""

import random

__all__ = ["function", "random_body"]

_DATA = (4, 5, 6, 7, 8, 9, 10, 11, 12)
_LOW = (4, 5, 6, 7)


def random_body(seed: int, length: int, *, dsp: bool = True) -> list[str]:
    """Return instructions that walk r0 and r1 through memory and store to r2; r3 is left alone."""
    chance = random.Random(seed)
    body: list[str] = []
    while len(body) < length:
        body += _draw(chance, dsp=dsp)
    return body


def function(name: str, body: list[str]) -> str:
    """Return a function (r0, r1: inputs, r2: output, r3: rounds) with the body in its loop."""
    lines = "\n".join(f"    {line}" for line in body)
    return f"""
    .section .text.{name}, "ax", %progbits
    .p2align 3
    .global {name}
    .type {name}, %function
    .thumb_func
{name}:
    push    {{r4-r11, lr}}
{name}_loop:
{lines}
    subs    r3, r3, #1
    bne     {name}_loop
    pop     {{r4-r11, pc}}
    .size {name}, . - {name}
"""


def _draw(chance: random.Random, *, dsp: bool) -> list[str]:
    d, s, t = (chance.choice(_DATA) for _ in range(3))
    low, other = chance.choice(_LOW), chance.choice(_LOW)
    offset = 4 * chance.randrange(8)
    simple = [
        [f"ldr r{d}, [r0, #{offset}]"],
        [f"ldr r{d}, [r0, #{offset}]"],
        [f"ldr r{d}, [r0], #{4 * chance.randrange(1, 3)}"],
        [f"ldr r{low}, [r1, #{offset}]"],
        [f"ldrh r{low}, [r1, #{offset // 2}]"],
        ["add r1, r1, #8"],
        [f"str r{d}, [r2, #{offset}]"],
        [f"str r{d}, [r2, #{offset}]"],
        [f"and r{d}, r{s}, r{t}, ror #8"],
        [f"eor r{d}, r{s}, r{t}"],
        [f"adds r{low}, r{other}, #1"],
        [f"mla r{d}, r{s}, r{t}, r{d}"],
        [f"ubfx r{d}, r{s}, #4, #9"],
        [f"cmp r{s}, #0", "it mi", f"movmi r{d}, r{t}"],
        [f"mov r{d}, r{s}"],
    ]
    special = [
        [f"smlad r{d}, r{s}, r{t}, r{d}"],
        [f"smlad r{d}, r{s}, r{t}, r{d}"],
        [f"smuad r{d}, r{s}, r{t}"],
        [f"sxtb16 r{d}, r{s}, ror #8"],
        [f"pkhbt r{d}, r{s}, r{t}, lsl #16"],
        [f"sadd16 r{d}, r{s}, r{t}", f"sel r{d}, r{d}, r{s}"],
        [f"ssat r{d}, #8, r{s}, asr #3"],
    ]
    return chance.choice(simple + special if dsp else simple)
