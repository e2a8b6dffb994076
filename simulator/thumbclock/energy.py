"""Cycles to energy, with the interval that the sources support; duty cycles and battery life."""

from collections.abc import Mapping
from dataclasses import dataclass

from thumbclock.errors import UsageError
from thumbclock.profiles import BoardProfile, Electrical, RunCurrent, SleepMode
from thumbclock.result import DutyCycle, EnergyUj, Interval, RunResult

__all__ = [
    "RunPoint",
    "Schedule",
    "check_schedule",
    "energy",
    "energy_of_duty_cycle",
    "run_point",
    "with_schedule",
]

_HOURS_PER_YEAR = 24 * 365.25


@dataclass(frozen=True)
class RunPoint:
    """The supply current of a board that runs from a memory, at its clock and supply.

    Attributes:
        static_ma: The part that does not depend on the clock.
        dynamic_ma_per_mhz: The part that is proportional to it; also nanocoulombs per cycle.
        current_ma: Both together, with the interval.
        basis: The row of the profile that it rests on, with its evidence, for a reader.
    """

    static_ma: float
    dynamic_ma_per_mhz: float
    current_ma: Interval
    basis: str


@dataclass(frozen=True)
class Schedule:
    """An inference again and again, with sleep in between, perhaps from a battery.

    Attributes:
        period_s: Seconds from the start of one to the start of the next.
        sleep: A mode of the profile.
        sleep_ua: The current asleep, instead of a mode.
        battery_mah: Capacity of the battery, if there is one.
        self_discharge_per_year: The part of its capacity that a battery loses by itself in a year.
    """

    period_s: float
    sleep: str | None = None
    sleep_ua: float | None = None
    battery_mah: float | None = None
    self_discharge_per_year: float = 0.0


# ---------------------------------------------------------------- running


def run_point(board: BoardProfile, code_memory: str) -> RunPoint | None:
    """Return the current of running from a memory; None where there are no electrical figures.

    Current is static + dynamic x clock. The dynamic part comes from the profile's row at the next
    higher clock, since that tells which core voltage the clock needs; above all, from the highest.

    Raises:
        UsageError: The board has no such memory, or code cannot run from it.
    """
    electrical = board.electrical
    if electrical is None:
        return None
    memory = board.memory(code_memory).name
    rows = [row for row in electrical.run if memory in row.code]
    if not rows:
        stated = ", ".join(name for row in electrical.run for name in row.code)
        raise UsageError(
            f"{board.name} has no run current for code in {memory}, which cannot hold code; it has "
            f"one for {stated}"
        )
    clock_mhz = board.clock_hz.integer / 1e6
    row = next((row for row in rows if _megahertz(row) >= clock_mhz), rows[-1])
    statics, ends = electrical.static_ma.interval, row.current_ma.interval
    dynamic = (ends[1] - statics[1]) / _megahertz(row)

    def at_clock(end: int) -> list[float]:
        """Return the current with one end of the row, for each static part that is possible."""
        ratio = clock_mhz / _megahertz(row)
        return [max(0.0, static + (ends[end] - static) * ratio) for static in statics]

    typical = max(0.0, statics[1] + dynamic * clock_mhz)
    return RunPoint(
        static_ma=statics[1],
        dynamic_ma_per_mhz=dynamic,
        current_ma=Interval(
            typical=typical,
            low=min(typical, *at_clock(0)),
            high=max(typical, *at_clock(2)),
        ),
        basis=_evidence(row),
    )


def _megahertz(row: RunCurrent) -> float:
    return row.clock_hz.integer / 1e6


def _evidence(row: RunCurrent) -> str:
    current = row.current_ma
    note = f": {current.note.rstrip('.')}" if current.note else ""
    return (
        f"{current.value:g} mA at {_megahertz(row):g} MHz {current.kind} [{current.source}]{note}"
    )


def energy(
    board: BoardProfile,
    cycles: Mapping[str, int],
    *,
    waiting: int = 0,
    mix: Mapping[str, int] | None = None,
    accesses: Mapping[str, int] | None = None,
) -> EnergyUj | None:
    """Estimate the energy of a run from the board's run currents at its clock and supply.

    The current of a microcontroller depends on where it runs from and on what it runs: the profile
    states typical currents and the spread that its sources show (other loops, temperature,
    peripherals). Energy is supply voltage x current x time, for each end of the interval; a cycle
    that waits for memory draws ``waiting_ratio`` of the current, and weights of instruction classes
    and accesses are added, where the profile has them.

    Args:
        board: The board that is run on.
        cycles: Memory that code ran from -> CPU cycles.
        waiting: How many of them waited for memory; spread evenly over the memories.
        mix: Instruction class -> count.
        accesses: ``MEMORY.fetch``, ``.read`` or ``.write`` -> count.

    Returns:
        The estimate; None where the board has no electrical figures (``ideal-*``).

    Raises:
        UsageError: The board has no such memory, or code cannot run from it.
    """
    electrical = board.electrical
    if electrical is None or not cycles:
        return None
    total = sum(cycles.values())
    share = waiting / total if total else 0.0
    clock_hz = board.clock_hz.integer
    volts = electrical.supply_v.interval
    ratios = (1.0, 1.0, 1.0)
    if electrical.waiting_ratio is not None:
        ratios = electrical.waiting_ratio.interval
    low, typical, high = _weights_uj(electrical, mix or {}, accesses or {})
    basis: dict[str, int] = {}
    for memory, spent in cycles.items():
        point = run_point(board, memory)
        assert point is not None
        current = point.current_ma
        ends = zip((current.low, current.typical, current.high), volts, ratios, strict=True)
        # mA x V = mW; mW x s = mJ
        parts = [
            1e3 * ma * v * (1 - share + share * ratio) * spent / clock_hz for ma, v, ratio in ends
        ]
        low, typical, high = low + parts[0], typical + parts[1], high + parts[2]
        basis[_basis(board, memory, point)] = spent
    typical = max(typical, 0.0)
    return EnergyUj(
        typical=typical,
        low=min(max(low, 0.0), typical),
        high=max(high, typical),
        basis=max(basis, key=lambda text: basis[text]),
    )


def _weights_uj(
    electrical: Electrical, mix: Mapping[str, int], accesses: Mapping[str, int]
) -> tuple[float, float, float]:
    """Return what the weights of instructions and accesses add, at each end of the interval."""
    counted = [(electrical.instruction_pj, mix), (electrical.access_pj, accesses)]
    low, typical, high = 0.0, 0.0, 0.0
    for weights, counts in counted:
        for name, weight in weights.items():
            ends = [1e-6 * counts.get(name, 0) * end for end in weight.interval]
            low, typical, high = low + ends[0], typical + ends[1], high + ends[2]
    return low, typical, high


def _basis(board: BoardProfile, memory: str, point: RunPoint) -> str:
    assert board.electrical is not None
    supply = board.electrical.supply_v
    return (
        f"{_span(point.current_ma)} mA at {supply.value:g} V and "
        f"{board.clock_hz.integer / 1e6:g} MHz, code in {memory}; {point.basis}; "
        f"supply {supply.kind} [{supply.source}]"
    )


def _span(interval: Interval) -> str:
    low, value, high = interval.low, interval.typical, interval.high
    return f"{value:.3g}" if low == high else f"{value:.3g} ({low:.3g} to {high:.3g})"


# ---------------------------------------------------------------- running and sleeping


def check_schedule(board: BoardProfile, schedule: Schedule | None) -> None:
    """Raise where a board cannot follow a schedule, whatever it runs.

    Raises:
        UsageError: The board has no electrical figures, or no such sleep mode.
    """
    if schedule is None:
        return
    if board.electrical is None:
        raise UsageError(
            f"{board.name} has no electrical figures, so it has no average current; choose a "
            "profile that has (thumbclock profiles)"
        )
    _sleep(board, schedule)


def energy_of_duty_cycle(run: RunResult, board: BoardProfile, schedule: Schedule) -> DutyCycle:
    """Return what a run costs that is repeated in a period, with sleep for the rest of it.

    Waking up takes neither time nor energy here. A battery delivers the supply of the run without
    loss. A mode that keeps its clocks draws in proportion to the clock; one that stops them draws
    the same current at any supply.

    Args:
        run: The work of a period, with its time and energy.
        board: The board that it ran on, at the same clock and supply.
        schedule: The period, the sleep and the battery.

    Raises:
        UsageError: The board has no electrical figures or no such mode, or the run does not fit
            into the period.
    """
    check_schedule(board, schedule)
    assert board.electrical is not None
    if run.energy_uj is None:
        raise UsageError(
            f"the run has no energy, but {board.name} has electrical figures; give the board that "
            "it ran on"
        )
    active_s = run.time_us / 1e6
    if active_s > schedule.period_s:
        raise UsageError(
            f"an inference of {active_s:.4g} s on {board.name} does not fit into a period of "
            f"{schedule.period_s:g} s; choose a longer period or a faster clock"
        )
    name, sleep_ua = _sleep(board, schedule)
    volts = board.electrical.supply_v.interval
    asleep_s = schedule.period_s - active_s
    active = (run.energy_uj.low, run.energy_uj.typical, run.energy_uj.high)
    asleep = [ua * v * asleep_s for ua, v in zip(sleep_ua, volts, strict=True)]
    energies = [a + b for a, b in zip(active, asleep, strict=True)]
    # The supply's own spread is no spread of the current.
    currents = [uj / v / schedule.period_s / 1e3 for uj, v in zip(energies, volts, strict=True)]
    return DutyCycle(
        period_s=schedule.period_s,
        active_share=active_s / schedule.period_s,
        sleep=name,
        sleep_current_ua=_interval(sleep_ua),
        energy_uj=_interval(energies),
        average_current_ma=_interval(currents),
        battery_mah=schedule.battery_mah,
        self_discharge_per_year=schedule.self_discharge_per_year,
        life_days=_life_days(currents, schedule),
    )


def with_schedule(run: RunResult, board: BoardProfile, schedule: Schedule | None) -> RunResult:
    """Return a run with the duty cycle of a schedule in it; as it is without a schedule.

    Raises:
        UsageError: As `energy_of_duty_cycle`.
    """
    if schedule is None:
        return run
    return run.model_copy(update={"duty_cycle": energy_of_duty_cycle(run, board, schedule)})


def _sleep(board: BoardProfile, schedule: Schedule) -> tuple[str, tuple[float, float, float]]:
    """Return the name of the sleep and its current in microamperes, with the interval."""
    if schedule.sleep_ua is not None:
        given = schedule.sleep_ua
        return f"{given:g} uA", (given, given, given)
    assert board.electrical is not None
    modes = {mode.name: mode for mode in board.electrical.modes}
    if schedule.sleep not in modes:
        has = f"has {', '.join(modes)}" if modes else "has none with a published current"
        raise UsageError(
            f"{board.name} has no sleep mode {schedule.sleep!r}; it {has}. Give "
            f"{'one of them, or ' if modes else ''}a current such as 12uA"
        )
    mode = modes[schedule.sleep]
    ratio = _clock_ratio(board, mode)
    low, typical, high = mode.current_ua.interval
    return mode.name, (low * ratio, typical * ratio, high * ratio)


def _clock_ratio(board: BoardProfile, mode: SleepMode) -> float:
    return 1.0 if mode.clock_hz is None else board.clock_hz.integer / mode.clock_hz.integer


def _life_days(currents_ma: list[float], schedule: Schedule) -> Interval | None:
    if schedule.battery_mah is None:
        return None
    lost_ma = schedule.battery_mah * schedule.self_discharge_per_year / _HOURS_PER_YEAR
    low, typical, high = (
        schedule.battery_mah / (current + lost_ma) / 24 for current in reversed(currents_ma)
    )
    return Interval(typical=typical, low=low, high=high)


def _interval(ends: list[float] | tuple[float, float, float]) -> Interval:
    low, typical, high = ends
    return Interval(typical=typical, low=low, high=high)
