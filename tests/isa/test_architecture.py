"""Which core has which instruction, against clang's assembler, which knows them independently."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_decode import rows

from thumbclock.errors import UsageError
from thumbclock.isa import InstructionSet, Kind, decode

# clang's name of a part with its units, and what it is.
PARTS = {
    "cortex_m0": InstructionSet("Armv6-M", False, None),
    "cortex_m0plus": InstructionSet("Armv6-M", False, None),
    "cortex_m3": InstructionSet("Armv7-M", False, None),
    "cortex_m4-fpregs": InstructionSet("Armv7E-M", True, None),
    "cortex_m4+vfp4d16sp": InstructionSet("Armv7E-M", True, "fpv4-sp-d16"),
    "cortex_m7+fp_armv8d16sp": InstructionSet("Armv7E-M", True, "fpv5-sp-d16"),
    "cortex_m7+fp_armv8d16": InstructionSet("Armv7E-M", True, "fpv5-d16"),
    "cortex_m33": InstructionSet("Armv8-M Mainline", False, None),
    "cortex_m33+dsp+fp_armv8d16sp": InstructionSet("Armv8-M Mainline", True, "fpv5-sp-d16"),
}
# What clang writes in another way, or assembles only before what it governs, or for every core.
ADR = ("add r0, pc,", "adr r0,")
SKIPPED = {Kind.IT, Kind.UNDEFINED}
ROWS = [(code, text.replace(*ADR)) for code, text, kind, _ in rows() if Kind(kind) not in SKIPPED]


def refused_by_clang(mcpu: str, folder: Path) -> set[str]:
    """Return the instructions of the table that clang does not assemble for a part."""
    lines = [f"{text.replace('label', '1f')}; nop; nop; nop; nop; 1:" for _, text in ROWS]
    Path(folder, "rows.s").write_text("\n".join([".syntax unified", ".thumb", *lines]) + "\n")
    target = ["-target", "thumb-freestanding-eabi", f"-mcpu={mcpu}", "-ferror-limit=0"]
    command = [sys.executable, "-m", "ziglang", "cc", *target, "-c", "-o", "rows.o", "rows.s"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    numbers = re.findall(r"rows\.s:(\d+):\d+: error", done.stderr)
    assert bool(numbers) == bool(done.returncode), done.stderr
    return {ROWS[int(number) - 3][1] for number in numbers}


@pytest.mark.parametrize("mcpu", PARTS)
def test_agrees_with_clang(mcpu: str, tmp_path: Path) -> None:
    """A part lacks exactly what clang refuses to assemble for it."""
    lacking = {text for code, text in ROWS if PARTS[mcpu].lacks(decode(bytes.fromhex(code), 0))}
    assert lacking == refused_by_clang(mcpu, tmp_path)


@pytest.mark.parametrize(("code", "name"), [("08bf", "it"), ("38b1", "cbz"), ("3fb9", "cbnz")])
def test_narrow_instructions_of_armv7(code: str, name: str) -> None:
    """Three 16-bit instructions came with Armv7-M."""
    instruction = decode(bytes.fromhex(code), 0)
    assert instruction.mnemonic == name
    assert PARTS["cortex_m0"].lacks(instruction) == "Armv7-M"
    assert PARTS["cortex_m3"].lacks(instruction) is None


def test_nothing_has_undefined_instructions() -> None:
    """What does not decode is lacking everywhere."""
    assert all(part.lacks(decode(b"\x00\xde", 0)) for part in PARTS.values())


def test_unknown_architecture() -> None:
    """A misspelt architecture is an error that names the known ones."""
    with pytest.raises(UsageError, match=r"'Armv9-M' is unknown; expected one of Armv6-M"):
        InstructionSet("Armv9-M", False, None)
