"""What a run cost, by instruction, stall reason and function."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Account"]


@dataclass
class Account:
    """Sums over a run.

    Attributes:
        cycles: Cycles by instruction address.
        counts: Executions by instruction address, predicated-out ones included.
        stalls: Cycles by stall reason.
        mix: Executions by instruction class.
        calls: Entries by function index.
        inclusive: Cycles by function index, callees included.
        misses: Lines that each cache had to fetch, by its name.
    """

    cycles: Counter[int] = field(default_factory=Counter)
    counts: Counter[int] = field(default_factory=Counter)
    stalls: Counter[str] = field(default_factory=Counter)
    mix: Counter[str] = field(default_factory=Counter)
    calls: Counter[int] = field(default_factory=Counter)
    inclusive: Counter[int] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
