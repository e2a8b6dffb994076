"""The pipeline models against what is published of the cores, one fact a row.

The rows stand in ``facts_*.py``, a file for each core; their sources are tags of
``profiles/sources.toml``. Together they are the specification of ``cores/``.
"""

import tomllib

import facts_m0
import facts_m0plus
import facts_m3
import facts_m4
import facts_m7
import facts_m33
import pytest
from fact import LOOP, Fact
from microbenchmark import SEPARATOR, assemble, between, per_repetition, steps

from thumbclock import assets

TABLES = {
    "m0": facts_m0.FACTS,
    "m0plus": facts_m0plus.FACTS,
    "m3": facts_m3.FACTS,
    "m4": facts_m4.FACTS,
    "m7": facts_m7.FACTS,
    "m33": facts_m33.FACTS,
}
FACTS = [(core, fact) for core, facts in TABLES.items() for fact in facts]


@pytest.fixture(scope="module")
def codes() -> dict[str, bytes]:
    """The machine code of every sequence."""
    return assemble(sorted({SEPARATOR, *(fact.assembly for _, fact in FACTS)}))


@pytest.mark.parametrize(
    ("core", "fact"), FACTS, ids=[f"{core}: {fact.assembly}" for core, fact in FACTS]
)
def test_fact(core: str, fact: Fact, codes: dict[str, bytes]) -> None:
    """The model takes as long as the core is known to take."""
    sequence = steps(fact.assembly, codes[fact.assembly])
    if fact.how is LOOP:
        found = per_repetition(core, sequence)
    else:
        found = between(core, sequence, steps(SEPARATOR, codes[SEPARATOR]))
    assert found == fact.cycles, f"{fact.says} [{fact.source}]"


def test_sources_are_known() -> None:
    """Every row names a source that the profiles cite."""
    text = assets.path("profiles", "sources.toml").read_text()
    assert {fact.source for _, fact in FACTS} <= set(tomllib.loads(text))
