"""Decoding never fails, and every instruction has a cost on a core, or the core lacks it."""

import random
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

import capstone
import pytest

from thumbclock import assets
from thumbclock.cores import Access, Edge, PipelineModel, pipeline_model
from thumbclock.errors import UsageError
from thumbclock.isa import Instruction, Kind, decode
from thumbclock.profiles import load_core

ADDRESS = 0x0800_0000
CORES = sorted(path.stem for path in assets.path("profiles", "cores").glob("*.toml"))
WIDE_PREFIXES = (0b11101, 0b11110, 0b11111)

# What capstone decodes although no core here has it, or no compiler makes it.
WITHOUT_CLASS = {
    "blxns bxns tt tta ttat ttt vlstm vlldm sg": "Armv8-M security extension",
    "hvc smc udf hint": "A-profile calls, the permanently undefined, ESB",
    "cdp cdp2 ldc ldc2 ldc2l ldcl mcr mcr2 mcrr mcrr2 mrc mrc2 mrrc mrrc2 stc stc2 stc2l stcl": (
        "coprocessors other than the FPU"
    ),
    "fldmdbx fldmiax fstmdbx fstmiax": "deprecated, and odd register counts only",
    "vins vmovx": "half-precision extension of Armv8.1-M",
    "vdup": "Advanced SIMD",
}
UNCLASSIFIED = {name for names in WITHOUT_CLASS for name in names.split()}


@pytest.fixture(scope="module")
def disassembler() -> capstone.Cs:
    """Capstone itself, to know what it takes for an instruction."""
    return capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)


@pytest.fixture(scope="module", params=CORES)
def model(request: pytest.FixtureRequest) -> PipelineModel:
    """The pipeline model of each core."""
    return pipeline_model(load_core(request.param))


def narrow() -> Iterator[bytes]:
    """All 16-bit encodings."""
    for half in range(1 << 16):
        if half >> 11 not in WIDE_PREFIXES:
            yield half.to_bytes(2, "little")


def wide(count: int) -> Iterator[bytes]:
    """A sample of 32-bit encodings, half of it among those of the FPU, which are few."""
    chosen = random.Random(20)
    for i in range(count):
        if i % 2:
            first = chosen.choice(WIDE_PREFIXES) << 11 | chosen.getrandbits(11)
            second = chosen.getrandbits(16)
        else:
            first = chosen.choice((0xEC, 0xED, 0xEE, 0xFE)) << 8 | chosen.getrandbits(8)
            second = chosen.getrandbits(16) & 0xF0FF | chosen.choice((0xA00, 0xB00))
        yield first.to_bytes(2, "little") + second.to_bytes(2, "little")


def is_advanced_simd(code: bytes) -> bool:
    """Whether an encoding lies in the space of Neon, which no M-profile core has."""
    top = code[1]
    is_element_access = top == 0xF9 and not code[0] & 0x10
    is_dot_product = top in (0xFC, 0xFE) and code[3] & 0xF == 0xD
    return len(code) == 4 and (top in (0xEF, 0xFF) or is_element_access or is_dot_product)


def check(code: bytes, disassembler: capstone.Cs) -> str | None:
    """Return what is wrong with the way an encoding decodes."""
    instruction = decode(code, ADDRESS)
    if instruction.size_bytes != len(code):
        return f"{code.hex()} takes {instruction.size_bytes} bytes"
    if instruction.kind is not Kind.UNDEFINED or is_advanced_simd(code):
        return None
    raw = next(disassembler.disasm(code, ADDRESS), None)
    if raw is None or raw.size != len(code):
        return None
    name = instruction.mnemonic
    return None if name in UNCLASSIFIED else f"{code.hex()} {raw.mnemonic} ({name}) has no class"


def test_all_narrow_encodings(disassembler: capstone.Cs) -> None:
    """Every 16-bit instruction has a class."""
    wrong = [found for code in narrow() if (found := check(code, disassembler))]
    assert not wrong


def test_wide_encodings(disassembler: capstone.Cs) -> None:
    """Every sampled 32-bit instruction has a class."""
    wrong = [found for code in wide(40_000) if (found := check(code, disassembler))]
    assert not wrong


def test_conditions_change_no_class() -> None:
    """An instruction is the same one in an IT block."""
    for code in (*narrow(), *wide(8_000)):
        plain, predicated = decode(code, ADDRESS), decode(code, ADDRESS, 0x08)
        assert (plain.mnemonic, plain.kind) == (predicated.mnemonic, predicated.kind), plain.text


def issue(model: PipelineModel, instruction: Instruction, access: Access) -> int:
    """Return the cycles of an instruction between two others, whatever they are."""
    state = model.redirect(model.initial_state(), Edge.TAKEN)
    first = model.issue(state, instruction, access)
    second = model.issue(first.state, instruction, access)
    assert first.cycles >= 0
    assert all(cycles > 0 for _, cycles in (*first.stalls, *second.stalls))
    return first.cycles + second.cycles


def forms() -> Iterator[Instruction]:
    """One instruction of every form that the sweep meets, as far as a cost could depend on it."""
    seen = set()
    for code in (*narrow(), *wide(8_000)):
        instruction = decode(code, ADDRESS)
        memory = instruction.memory
        key = (
            instruction.mnemonic,
            instruction.kind,
            len(code),
            memory and (memory.size_bytes, memory.count, memory.writeback is None),
            instruction.branch,
            instruction.is_double,
        )
        if key not in seen:
            seen.add(key)
            yield instruction


FORMS = list(forms())
ACCESSES = (Access(), Access(address_low=3, quotient_bits=32), Access(executed=False))


def test_everything_has_a_cost_or_is_lacking(model: PipelineModel) -> None:
    """Whatever a core has can be issued and costs time; whatever it lacks is refused."""
    priced = 0
    for instruction in FORMS:
        if model.instruction_set.lacks(instruction) is not None:
            with pytest.raises(UsageError, match="has no cost for"):
                issue(model, instruction, Access())
            continue
        priced += 1
        for access in ACCESSES:
            assert 0 <= issue(model, instruction, access) < 200, instruction.text
        assert issue(model, instruction, Access()) > 0 or instruction.kind is Kind.IT
    assert priced > (100 if model.instruction_set.version < 7 else 200)


class _Unheard(StrEnum):
    OF = "unheard_of"


def test_no_class_is_priced_by_default(model: PipelineModel) -> None:
    """A class that a model does not know is an error, and never one cycle."""
    known = next(form for form in FORMS if form.mnemonic == "adc" and form.is_narrow)
    with pytest.raises(UsageError, match=r"no cost for 'adcs .*class unheard_of"):
        issue(model, replace(known, kind=_Unheard.OF), Access())  # type: ignore[arg-type]
