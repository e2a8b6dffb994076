"""Bare images of a few instructions: a vector table and code, without symbols or start-up."""

import io
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from elftools.elf.elffile import ELFFile

FLASH, RAM, RAM_BYTES = 0x0800_0000, 0x2000_0000, 4 << 20
"""Of the ideal boards."""

ENTRY = FLASH + 8
"""Where the code of an image starts, behind stack pointer and reset vector."""


def assemble(programs: Mapping[str, str], mcpu: str = "cortex_m7+fp_armv8d16") -> dict[str, bytes]:
    """Assemble programs in one go and return the image of each; ``;`` parts instructions."""
    source = [".syntax unified", ".thumb"]
    for number, text in enumerate(programs.values()):
        source += [f'.section .program{number},"ax",%progbits', *text.split(";"), ".balign 4"]
        source.append(".ltorg")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "programs.s").write_text("\n".join(source) + "\n")
        target = ["-target", "thumb-freestanding-eabihf", f"-mcpu={mcpu}"]
        command = [sys.executable, "-m", "ziglang", "cc", *target, "-c", "-o", "out.o"]
        subprocess.run([*command, "programs.s"], cwd=folder, check=True, capture_output=True)
        elf = ELFFile(io.BytesIO(Path(folder, "out.o").read_bytes()))
    return {
        name: vectors() + elf.get_section_by_name(f".program{number}").data()
        for number, name in enumerate(programs)
    }


def vectors(stack: int = RAM + 0x8000, entry: int = ENTRY) -> bytes:
    """Return the first two words of a vector table."""
    return struct.pack("<II", stack, entry | 1)
