"""A timing fact: what a short sequence of instructions costs on a core, and who says so."""

from dataclasses import dataclass

__all__ = ["ALONE", "LOOP", "Fact", "loop"]

LOOP = "loop"
ALONE = "alone"


@dataclass(frozen=True)
class Fact:
    """What a sequence costs.

    Attributes:
        cycles: Those between two barriers or, for a ``LOOP``, those of one repetition.
        assembly: The sequence; ``microbenchmark.py`` explains the comments in it.
        source: A tag of ``profiles/sources.toml``.
        says: The fact in words.
        how: ``ALONE`` or ``LOOP``.
    """

    cycles: float
    assembly: str
    source: str
    says: str
    how: str = ALONE


def loop(cycles: float, assembly: str, source: str, says: str) -> Fact:
    """Return a fact about a sequence that repeats without end."""
    return Fact(cycles, assembly, source, says, LOOP)
