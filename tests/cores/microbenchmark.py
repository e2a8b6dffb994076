"""Snippets of assembly through a pipeline model, measured as one measures silicon.

A comment behind an instruction says what the text does not: ``@ at 4`` the low bits of the address
that it accesses, ``@ bits 16`` the length of a quotient, ``@ skipped`` a condition that fails,
``@ taken``, ``@ mispredicted`` or ``@ taken mispredicted`` how a branch goes.
"""

import functools
import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

from thumbclock.cores import Access, Edge, PipelineModel, State, pipeline_model
from thumbclock.isa import Instruction, decode_block
from thumbclock.profiles import load_profile

SEPARATOR = "dmb"
"""Issues alone and lasts until every value is there, so that it parts repetitions."""

_EDGES = {
    "": Edge.NOT_TAKEN,
    "mispredicted": Edge.NOT_TAKEN_MISPREDICTED,
    "taken": Edge.TAKEN,
    "taken mispredicted": Edge.TAKEN_MISPREDICTED,
}


@dataclass(frozen=True)
class Step:
    """An instruction with what its comment says."""

    instruction: Instruction
    access: Access
    edge: Edge


@functools.cache
def model(core: str) -> PipelineModel:
    """Return the pipeline model of a core by its ideal board, e.g. ``m4``."""
    return pipeline_model(load_profile(f"ideal-{core}").core)


def lines(text: str) -> list[str]:
    """Return the instructions of a snippet, which semicolons part."""
    return [line.strip() for line in text.split(";")]


def assemble(snippets: Sequence[str]) -> dict[str, bytes]:
    """Assemble all snippets in one go; return the code of each."""
    source = [".syntax unified", ".cpu cortex-m7", ".fpu fpv5-d16", ".thumb"]
    for number, text in enumerate(snippets):
        source += [f'.section .snippet{number},"ax",%progbits', *lines(text)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "snippets.s")
        path.write_text("\n".join(source) + "\n")
        target = ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m7"]
        command = [sys.executable, "-m", "ziglang", "cc", *target, "-c", "-o", "out.o", path.name]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        elf = ELFFile(io.BytesIO(Path(folder, "out.o").read_bytes()))
    return {
        text: elf.get_section_by_name(f".snippet{number}").data()
        for number, text in enumerate(snippets)
    }


def steps(text: str, code: bytes) -> list[Step]:
    """Decode a snippet and join each instruction with its comment."""
    comments = [line.partition("@")[2].strip() for line in lines(text)]
    instructions = list(decode_block(code, 0))
    assert len(instructions) == len(comments), text
    return [Step(i, _access(c), _edge(c)) for i, c in zip(instructions, comments, strict=True)]


def _access(comment: str) -> Access:
    numbers = dict(re.findall(r"(at|bits|banks|waits|turnaround) (\d+)", comment))
    return Access(
        executed="skipped" not in comment,
        address_low=int(numbers.get("at", 0)),
        quotient_bits=int(numbers.get("bits", 0)),
        data_banks=int(numbers.get("banks", 2)),
        read_wait_cycles=int(numbers.get("waits", 0)),
        write_wait_cycles=int(numbers.get("waits", 0)),
        turnaround_cycles=int(numbers.get("turnaround", 0)),
    )


def _edge(comment: str) -> Edge:
    return _EDGES[" ".join(re.findall(r"taken|mispredicted", comment))]


def run(pipeline: PipelineModel, state: State, todo: Sequence[Step]) -> tuple[State, int]:
    """Issue instructions one behind the other; return the state behind them and the cycles."""
    cycles = 0
    for step in todo:
        issue = pipeline.issue(state, step.instruction, step.access)
        state, cycles = issue.state, cycles + issue.cycles
        if step.instruction.branch is not None:
            state = pipeline.redirect(state, step.edge)
    return state, cycles


def per_repetition(core: str, todo: Sequence[Step], few: int = 40, many: int = 80) -> float:
    """Return the cycles of one repetition, by the difference of many and few."""
    pipeline = model(core)
    state, _ = run(pipeline, pipeline.initial_state(), list(todo) * few)
    _, cycles = run(pipeline, state, list(todo) * (many - few))
    return cycles / (many - few)


def between(core: str, todo: Sequence[Step], barrier: Sequence[Step]) -> int:
    """Return the cycles that a sequence adds to two barriers around it."""
    pipeline = model(core)
    _, empty = run(pipeline, pipeline.initial_state(), [*barrier, *barrier])
    _, cycles = run(pipeline, pipeline.initial_state(), [*barrier, *todo, *barrier])
    return cycles - empty
