"""The proof by running: both orders of each segment from the same registers and memory.

Memory is made when it is touched, page by page, from the address alone, so that any address works
and both runs find the same. In half of the trials the base registers lie close together, so that
accesses overlap; not where the user says that they are distinct.
"""

import random
import struct
from collections.abc import Sequence
from typing import Any

import unicorn
from unicorn import arm_const as arm

from thumbclock.errors import ThumbclockError
from thumbclock.studies.schedule.graph import Body, Segment

__all__ = ["check_equivalence"]

_CODE, _PAGE = 0x08000000, 4096
_DATA = 0x20000000
_NEAR_WORDS = 4
_CORE = [*(arm.UC_ARM_REG_R0 + n for n in range(13)), arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR]
_FLOATS = [arm.UC_ARM_REG_S0 + n for n in range(32)]
_FLAG_BITS = 0xF80F0000


def check_equivalence(
    body: Body,
    order: Sequence[int],
    forms: Sequence[int],
    *,
    distinct: bool,
    trials: int = 50,
    seed: int = 0,
) -> None:
    """Run each reordered segment before and after, from random states.

    Raises:
        ThumbclockError: They differ in a register, the flags or memory.
    """
    chance = random.Random(seed)
    for segment in body.segments:
        if segment.is_fixed:
            continue
        inside = range(segment.start, segment.stop)
        old = b"".join(body.listing.code[n] for n in inside)
        new = b"".join(body.codes[order[p]][forms[p]] for p in inside)
        if old == new:
            continue
        for trial in range(trials):
            state = _draw(body, segment, chance, together=trial % 2 == 1 and not distinct)
            before, after = _run(old, state), _run(new, state)
            if before != after:
                raise ThumbclockError(
                    f"the new order is not equivalent: {_difference(before, after)} differs after "
                    f"the instructions {segment.start} to {segment.stop - 1}"
                )


_Outcome = tuple[tuple[int, ...], tuple[int, ...], int, dict[int, bytes]]


def _draw(
    body: Body, segment: Segment, chance: random.Random, *, together: bool
) -> tuple[list[int], list[int], int]:
    """Return random core registers, FP registers and flags; base registers in places of memory."""
    core = [chance.getrandbits(32) for _ in _CORE]
    inside = body.listing.instructions[segment.start : segment.stop]
    bases = {i.memory.base for i in inside if i.memory is not None}
    for base in sorted(bases):
        room = _DATA + (0x8000 if together else base * 0x100000 + 0x8000)
        core[base] = room + 4 * chance.randrange(_NEAR_WORDS) if together else room
    indices = {i.memory.index for i in inside if i.memory is not None} - {None}
    for index in indices:
        if index is not None and index not in bases:
            core[index] = chance.randrange(64)
    floats = [struct.unpack("<I", struct.pack("<f", chance.uniform(-9, 9)))[0] for _ in _FLOATS]
    return core, floats, chance.getrandbits(32) & _FLAG_BITS


def _run(code: bytes, state: tuple[list[int], list[int], int]) -> _Outcome:
    core, floats, flags = state
    machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    machine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M7)
    machine.mem_map(_CODE, 4 * _PAGE)
    machine.mem_write(_CODE, code)
    pages: set[int] = set()

    def on_unmapped(
        uc: Any, _access: int, address: int, size_bytes: int, _value: int, _data: object
    ) -> bool:
        for page in {address & -_PAGE, (address + size_bytes - 1) & -_PAGE}:
            if page not in pages:
                uc.mem_map(page, _PAGE)
                uc.mem_write(page, random.Random(page).randbytes(_PAGE))
                pages.add(page)
        return True

    machine.hook_add(unicorn.UC_HOOK_MEM_UNMAPPED, on_unmapped)
    machine.reg_write(arm.UC_ARM_REG_CONTROL, 0)
    _enable_fpu(machine)
    for number, value in zip(_CORE, core, strict=True):
        machine.reg_write(number, value)
    for number, value in zip(_FLOATS, floats, strict=True):
        machine.reg_write(number, value)
    machine.reg_write(arm.UC_ARM_REG_XPSR, flags | 1 << 24)
    try:
        machine.emu_start(_CODE | 1, _CODE + len(code))
    except unicorn.UcError as error:
        raise ThumbclockError(f"the loop cannot be run to prove its new order: {error}") from None
    return (
        tuple(machine.reg_read(number) for number in _CORE),
        tuple(machine.reg_read(number) for number in _FLOATS),
        machine.reg_read(arm.UC_ARM_REG_XPSR) & _FLAG_BITS,
        {page: bytes(machine.mem_read(page, _PAGE)) for page in pages},
    )


def _enable_fpu(machine: Any) -> None:
    """Grant access to the coprocessors of the FPU (CPACR)."""
    cpacr = 0xE000ED88
    machine.mem_map(cpacr & -_PAGE, _PAGE)
    machine.mem_write(cpacr, (0xF << 20).to_bytes(4, "little"))


def _difference(before: _Outcome, after: _Outcome) -> str:
    for number, (old, new) in enumerate(zip(before[0], after[0], strict=True)):
        if old != new:
            return f"r{number}"
    if before[1] != after[1]:
        return "an FP register"
    return "the flags" if before[2] != after[2] else "memory"
