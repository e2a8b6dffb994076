"""Cycles to energy, with the interval that the sources support."""

from dataclasses import dataclass

from thumbclock.errors import UsageError
from thumbclock.profiles import BoardProfile, Memory, Quantity

__all__ = ["EnergyEstimate", "energy"]


@dataclass(frozen=True)
class EnergyEstimate:
    """Energy drawn from a board's supply while a program runs.

    Attributes:
        typical_uj: Microjoules at the typical current and supply.
        low_uj: At the low ends of current and supply.
        high_uj: At the high ends.
        basis: The figures behind it, with their evidence, for a reader.
    """

    typical_uj: float
    low_uj: float
    high_uj: float
    basis: str


def energy(board: BoardProfile, cycles: int, code_memory: Memory | str) -> EnergyEstimate | None:
    """Estimate the energy of a run from the board's run current at its clock.

    The current of a microcontroller depends on where it runs from and on what it runs: the profile
    states, for each memory that code can run from, a typical current and the spread that its
    sources show (other loops, stalls, temperature, peripherals). Energy is supply voltage x
    current x cycles / clock, for each end of the interval.

    Args:
        board: The board that is run on.
        cycles: CPU cycles of the run.
        code_memory: The memory that the code runs from, or its name.

    Returns:
        The estimate; None where the board has no electrical figures (``ideal-*``).

    Raises:
        UsageError: The board has no such memory, or code cannot run from it.
    """
    name = code_memory if isinstance(code_memory, str) else code_memory.name
    if board.electrical is None:
        return None
    current_ma = board.electrical.run_current_ma.get(board.memory(name).name)
    if current_ma is None:
        stated = ", ".join(board.electrical.run_current_ma)
        raise UsageError(
            f"{board.name} has no run current for code in {name}, which cannot hold code; it has "
            f"one for {stated}"
        )
    supply_v = board.electrical.supply_v
    seconds = cycles / board.clock_hz.integer
    low_uj, typical_uj, high_uj = (
        # mA x V = mW; mW x s = mJ
        1e3 * milliamperes * volts * seconds
        for milliamperes, volts in zip(current_ma.interval, supply_v.interval, strict=True)
    )
    return EnergyEstimate(typical_uj, low_uj, high_uj, _basis(board, name, current_ma, supply_v))


def _basis(board: BoardProfile, name: str, current_ma: Quantity, supply_v: Quantity) -> str:
    megahertz = board.clock_hz.integer / 1e6
    note = f": {current_ma.note.rstrip('.')}" if current_ma.note else ""
    return (
        f"{_span(current_ma)} mA at {_span(supply_v)} V and {megahertz:g} MHz, code in {name}; "
        f"current {current_ma.kind} [{current_ma.source}]{note}; "
        f"supply {supply_v.kind} [{supply_v.source}]"
    )


def _span(quantity: Quantity) -> str:
    low, value, high = quantity.interval
    return f"{value:g}" if low == high else f"{value:g} ({low:g} to {high:g})"
