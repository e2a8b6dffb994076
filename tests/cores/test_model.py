"""What holds for every pipeline model, whatever its numbers are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thumbclock import assets
from thumbclock.cores import Access, Edge, pipeline_model
from thumbclock.isa import decode
from thumbclock.profiles import load_core

CORES = sorted(path.stem for path in assets.path("profiles", "cores").glob("*.toml"))
MODELS = {name: pipeline_model(load_core(name)) for name in CORES}

halves = st.integers(0, 0xFFFF)
codes = st.builds(lambda a, b: a.to_bytes(2, "little") + b.to_bytes(2, "little"), halves, halves)
accesses = st.builds(
    Access, executed=st.booleans(), address_low=st.integers(0, 7), quotient_bits=st.integers(0, 32)
)


@pytest.mark.parametrize("name", MODELS)
@settings(deadline=None, max_examples=50)
@given(program=st.lists(st.tuples(codes, accesses, st.sampled_from(Edge)), min_size=1, max_size=60))
def test_any_sequence_can_be_issued(name: str, program: list[tuple[bytes, Access, Edge]]) -> None:
    """No sequence fails, stalls are part of the cycles, and equal states go on equally."""
    model = MODELS[name]
    state = model.initial_state()
    for code, access, edge in program:
        instruction = decode(code, 0x0800_0000)
        if model.instruction_set.lacks(instruction) is not None:
            continue
        issue = model.issue(state, instruction, access)
        assert sum(cycles for _, cycles in issue.stalls) <= issue.cycles
        assert model.issue(state, instruction, access) == issue
        hash(issue.state)
        state = model.redirect(issue.state, edge) if instruction.branch else issue.state


@pytest.mark.parametrize(
    ("name", "bits", "cycles"), [("cortex-m4", 0, 2), ("cortex-m4", 32, 12), ("cortex-m7", 8, 7)]
)
def test_divide(name: str, bits: int, cycles: int) -> None:
    """Divides end early, by the length of the quotient."""
    assert MODELS[name].divide_cycles(bits) == cycles
