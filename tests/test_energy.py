"""Energy: arithmetic, intervals, duty cycles, and a cross-check against metered inferences."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumbclock.energy import (
    Schedule,
    energy,
    energy_of_duty_cycle,
    run_point,
    with_schedule,
)
from thumbclock.errors import UsageError
from thumbclock.profiles import BoardProfile, Quantity, load_profile, profile_names
from thumbclock.result import EnergyUj, Exit, Image, ModelStatement, RunResult, waiting_cycles

POWERED = [name for name in profile_names() if load_profile(name).board.electrical is not None]


def _energy(board: BoardProfile, cycles: int, memory: str, **more: Any) -> EnergyUj:
    estimate = energy(board, {memory: cycles}, **more)
    assert estimate is not None
    return estimate


def _run(board: BoardProfile, memory: str, seconds: float) -> RunResult:
    cycles = round(seconds * board.clock_hz.integer)
    return RunResult(
        image=Image(name="x.elf", sha256="0" * 64),
        profile=board.name,
        toolchain=None,
        clock_hz=board.clock_hz.integer,
        cycles=cycles,
        instructions=cycles,
        time_us=seconds * 1e6,
        energy_uj=energy(board, {memory: cycles}),
        stack_bytes=None,
        ram_bytes=0,
        flash_bytes=0,
        exit=Exit(reason="returned"),
        functions=(),
        stalls={},
        mix={},
        model=ModelStatement(version="0", core=board.core, accuracy=""),
    )


# ---------------------------------------------------------------- running


def test_worked_example() -> None:
    """One second of an STM32F407 at 3.3 V and 40 mA (36.2 to 61) is 132 mJ."""
    estimate = _energy(load_profile("stm32f407g-disc1").board, 168_000_000, "flash")
    assert estimate.typical == pytest.approx(132_000)
    assert estimate.low == pytest.approx(119_460)
    assert estimate.high == pytest.approx(201_300)
    assert estimate.basis.startswith(
        "40 (36.2 to 61) mA at 3.3 V and 168 MHz, code in flash; 40 mA at 168 MHz documented "
        "[DS8626]: "
    )


@pytest.mark.parametrize("name", [name for name in profile_names() if name not in POWERED])
def test_no_figures_no_energy(name: str) -> None:
    """A board without electrical figures has no energy."""
    board = load_profile(name).board
    assert energy(board, {board.default_placement.code.name: 1000}) is None
    assert run_point(board, board.default_placement.code.name) is None


def test_nothing_ran() -> None:
    """Where nothing ran there is nothing to estimate."""
    assert energy(load_profile("stm32f103").board, {}) is None


@pytest.mark.parametrize("name", POWERED)
@given(cycles=st.integers(0, 10**12), share=st.floats(0, 1))
def test_interval_holds_the_typical_value_and_scales(name: str, cycles: int, share: float) -> None:
    """The typical value lies in its interval, and energy is proportional to cycles."""
    board = load_profile(name).board
    waiting = int(cycles * share)
    for memory in board.memories:
        if memory.executable:
            estimate = _energy(board, cycles, memory.name, waiting=waiting)
            double = _energy(board, 2 * cycles, memory.name, waiting=2 * waiting)
            assert 0 <= estimate.low <= estimate.typical <= estimate.high
            assert double.typical == pytest.approx(2 * estimate.typical)
            assert double.basis == estimate.basis


@pytest.mark.parametrize("name", POWERED)
def test_estimates_are_marked(name: str) -> None:
    """Where a figure is an estimate, the basis says so and says why."""
    board = load_profile(name).board
    for memory in board.memories:
        if memory.executable:
            point = run_point(board, memory.name)
            assert point is not None
            assert point.basis in _energy(board, 1, memory.name).basis
            assert (
                point.current_ma.low < point.current_ma.typical < point.current_ma.high
                or ("estimate" not in point.basis)
                or name == "stm32f0"
            )  # its low end is the sibling's own figure


def _board(tmp_path: Path, **changes: str) -> BoardProfile:
    """Return a board with 1 mA static, 10 mA at 64 MHz, 30 mA at 128 MHz, and all weights."""
    flag = 'unit = "flag", source = "S", kind = "documented" }'
    number = 'source = "S", kind = "documented" }'
    text = f"""
name = "mine"
title = "Mine"
core = "cortex-m4"
summary = "For tests."
clock_hz = {{ value = 64_000_000, unit = "Hz", {number}
placement = {{ code = "ram", constants = "ram", weights = "ram", data = "ram", stack = "ram" }}
[memories.ram]
kind = "sram"
executable = true
base = {{ value = 0x2000_0000, unit = "address", {number}
size_bytes = {{ value = 1024, unit = "byte", {number}
fetch_line_bytes = {{ value = 4, unit = "byte", {number}
fetch_wait_cycles = {{ value = 0, unit = "cycle", {number}
read_wait_cycles = {{ value = 0, unit = "cycle", {number}
write_wait_cycles = {{ value = 0, unit = "cycle", {number}
own_clock = {{ value = true, {flag}
[electrical]
regulator = "{changes.get("regulator", "ldo")}"
supply_v = {{ value = 3.0, unit = "V", {number}
min_supply_v = {{ value = 1.5, unit = "V", {number}
max_supply_v = {{ value = 3.6, unit = "V", {number}
static_ma = {{ value = 1.0, low = 0.5, high = 2.0, unit = "mA", {number}
waiting_ratio = {{ value = 0.5, low = 0.25, high = 1.0, unit = "ratio", {number}
[[electrical.run]]
code = ["ram"]
clock_hz = {{ value = 64_000_000, unit = "Hz", {number}
current_ma = {{ value = 10.0, low = 8.0, high = 14.0, unit = "mA", {number}
[[electrical.run]]
code = ["ram"]
clock_hz = {{ value = 128_000_000, unit = "Hz", {number}
current_ma = {{ value = 30.0, low = 25.0, high = 35.0, unit = "mA", {number}
[electrical.instruction_pj]
multiply = {{ value = 3, low = 1, high = 4, unit = "pJ", {number}
[electrical.access_pj]
"ram.read" = {{ value = 5, unit = "pJ", {number}
[electrical.modes.sleep]
current_ua = {{ value = 2000, low = 1000, high = 3000, unit = "uA", {number}
clock_hz = {{ value = 64_000_000, unit = "Hz", {number}
[electrical.modes.stop]
current_ua = {{ value = 10, low = 5, high = 20, unit = "uA", {number}
[sources]
S = "for tests"
"""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    clock, supply = changes.get("clock_hz"), changes.get("supply_v")
    return load_profile(
        path,
        clock_hz=None if clock is None else int(clock),
        supply_v=None if supply is None else float(supply),
    ).board


@pytest.mark.parametrize(
    ("clock_hz", "low", "typical", "high", "per_mhz"),
    [
        # static + (row - static) x clock / row's clock, with the row at the next higher clock
        ("64000000", 8.0, 10.0, 14.0, 9 / 64),
        ("32000000", 4.25, 5.5, 8.0, 9 / 64),
        ("128000000", 25.0, 30.0, 35.0, 29 / 128),
        ("96000000", 18.875, 22.75, 26.75, 29 / 128),
        ("256000000", 48.0, 59.0, 69.5, 29 / 128),
    ],
)
def test_static_and_dynamic_part(
    tmp_path: Path, clock_hz: str, low: float, typical: float, high: float, per_mhz: float
) -> None:
    """Only the part above the static one follows the clock; the interval holds both of its ends."""
    point = run_point(_board(tmp_path, clock_hz=clock_hz), "ram")
    assert point is not None
    assert point.static_ma == 1.0
    assert point.dynamic_ma_per_mhz == pytest.approx(per_mhz)
    current = point.current_ma
    assert (current.low, current.typical, current.high) == pytest.approx((low, typical, high))


@pytest.mark.parametrize(
    ("regulator", "millivolts", "typical"),
    [("ldo", 1500, 10 * 1.5), ("smps", 1500, 10 * 3.0), ("ldo", 3600, 36), ("smps", 3600, 30)],
)
def test_supply(tmp_path: Path, regulator: str, millivolts: int, typical: float) -> None:
    """An LDO keeps the current when the supply changes, an SMPS the power."""
    board = _board(tmp_path, regulator=regulator, supply_v=str(millivolts / 1000))
    # mW for a second is mJ
    assert _energy(board, 64_000_000, "ram").typical / 1e3 == pytest.approx(typical)


def test_waiting_is_cheaper(tmp_path: Path) -> None:
    """A cycle that waits for memory draws its ratio of the current, at each end."""
    board = _board(tmp_path)
    estimate = _energy(board, 64_000_000, "ram", waiting=32_000_000)
    assert estimate.typical == pytest.approx(30_000 * 0.75)
    assert estimate.low == pytest.approx(24_000 * (0.5 + 0.5 * 0.25))
    assert estimate.high == pytest.approx(42_000)


def test_weights_are_added(tmp_path: Path) -> None:
    """Weights of instruction classes and of accesses are added where they are counted."""
    board = _board(tmp_path)
    plain = _energy(board, 1000, "ram")
    weighted = _energy(
        board,
        1000,
        "ram",
        mix={"multiply": 100, "add": 900},
        accesses={"ram.read": 10, "ram.write": 5},
    )
    assert weighted.typical - plain.typical == pytest.approx(350e-6)
    assert weighted.low - plain.low == pytest.approx(150e-6)
    assert weighted.high - plain.high == pytest.approx(450e-6)


def test_what_waits() -> None:
    """Waiting for memories counts; what the pipeline costs does not."""
    assert waiting_cycles({"fetch_wait": 5, "memory_wait": 7, "load": 100}) == 12
    assert waiting_cycles({"fetch_miss": 5, "data_miss": 7, "branch_refill": 100}) == 12


def test_two_memories() -> None:
    """Code that runs from two memories costs the sum of both."""
    board = load_profile("nucleo-h743zi").board
    both = energy(board, {"itcm": 1000, "flash": 3000})
    assert both is not None
    parts = _energy(board, 1000, "itcm").typical + _energy(board, 3000, "flash").typical
    assert both.typical == pytest.approx(parts)
    assert "code in flash" in both.basis


def test_code_where_none_can_run() -> None:
    """A memory that holds no code, or does not exist, is an error of use."""
    board = load_profile("stm32f407g-disc1").board
    with pytest.raises(UsageError, match="no run current for code in ccm"):
        energy(board, {"ccm": 1})
    with pytest.raises(UsageError, match="no memory 'cmm'"):
        energy(board, {"cmm": 1})


# ---------------------------------------------------------------- against the meter

METERED = [
    # board, supply, nJ per CPU cycle: least and most of the four networks and all submissions at
    # that supply; MLPerf Tiny v0.7 to v1.2.
    ("nucleo-l4r5zi", 1.8, 0.2916, 0.394),
    ("nucleo-l4r5zi", 3.0, 0.581, 0.650),
    ("nucleo-h7a3zi-q", 3.0, 0.434, 0.508),
    ("nucleo-u575zi-q", 1.8, 0.142, 0.169),
]


@pytest.mark.parametrize(("name", "supply_v", "least", "most"), METERED)
def test_against_metered_inference(name: str, supply_v: float, least: float, most: float) -> None:
    """The estimate lies between the networks that were metered, and its interval holds them."""
    board = load_profile(name, supply_v=supply_v).board
    estimate = _energy(board, 1_000_000, "flash")
    low, typical, high = (uj / 1e3 for uj in (estimate.low, estimate.typical, estimate.high))
    assert least <= typical <= most
    assert low <= least
    # Power is read off the logs to three digits.
    assert high >= most * 0.995


# ---------------------------------------------------------------- running and sleeping


def test_duty_cycle_by_hand(tmp_path: Path) -> None:
    """100 ms at 10 mA and 900 ms at 10 uA are 1.009 mA on average; 220 mAh last 9.1 days."""
    board = _board(tmp_path)
    run = _run(board, "ram", 0.1)
    duty = energy_of_duty_cycle(run, board, Schedule(1.0, sleep="stop", battery_mah=220))
    assert duty.active_share == pytest.approx(0.1)
    assert duty.sleep == "stop"
    assert duty.sleep_current_ua.high == 20
    assert duty.average_current_ma.typical == pytest.approx(1.009)
    assert duty.average_current_ma.low == pytest.approx(0.8 + 0.0045)
    assert duty.average_current_ma.high == pytest.approx(1.4 + 0.018)
    assert duty.energy_uj.typical == pytest.approx(1.009 * 3.0 * 1e3)
    assert duty.life_days is not None
    assert duty.life_days.typical == pytest.approx(220 / 1.009 / 24)
    assert duty.life_days.low == pytest.approx(220 / 1.418 / 24)
    assert duty.life_days.high == pytest.approx(220 / 0.8045 / 24)


def test_sleep_that_keeps_the_clock(tmp_path: Path) -> None:
    """A mode with clocks draws in proportion to the clock."""
    board = _board(tmp_path, clock_hz="32000000")
    duty = energy_of_duty_cycle(_run(board, "ram", 0.0), board, Schedule(1.0, sleep="sleep"))
    assert duty.average_current_ma.typical == pytest.approx(1.0)
    assert duty.life_days is None


def test_sleep_current_by_hand(tmp_path: Path) -> None:
    """A current may stand for a mode."""
    board = _board(tmp_path)
    duty = energy_of_duty_cycle(_run(board, "ram", 0.0), board, Schedule(2.0, sleep_ua=12.0))
    assert duty.sleep == "12 uA"
    assert duty.average_current_ma.typical == pytest.approx(0.012)


def test_self_discharge(tmp_path: Path) -> None:
    """A battery that loses all of itself in a year lasts less than a year, whatever it feeds."""
    board = _board(tmp_path)
    run = _run(board, "ram", 0.0)
    schedule = Schedule(1.0, sleep_ua=1.0, battery_mah=1000, self_discharge_per_year=1.0)
    life = energy_of_duty_cycle(run, board, schedule).life_days
    assert life is not None
    assert life.typical == pytest.approx(1000 / (0.001 + 1000 / 8766) / 24)
    assert life.typical < 365.25


@given(share=st.floats(0, 1), period_s=st.floats(1e-3, 1e5))
def test_average_lies_between_sleeping_and_running(share: float, period_s: float) -> None:
    """Average current rises with the share of running, from that asleep to that of the run."""
    board = load_profile("stm32f103").board
    duty = energy_of_duty_cycle(
        _run(board, "flash", share * period_s * (1 - 1e-9)), board, Schedule(period_s, sleep="stop")
    )
    average = duty.average_current_ma
    assert 0.0139 <= average.typical <= 27.1
    assert average.low <= average.typical <= average.high
    assert duty.energy_uj.low <= duty.energy_uj.typical <= duty.energy_uj.high


def _refusals() -> Iterator[tuple[str, float, Schedule, str]]:
    yield "stm32f103", 1.5, Schedule(1.0, sleep="stop"), "an inference of 1.5 s on stm32f103 does"
    yield "stm32f103", 0.5, Schedule(1.0, sleep="stop2"), "it has sleep, stop, standby. Give one"
    yield "stm32f103", 0.5, Schedule(1.0), "has no sleep mode None"
    yield "nucleo-g0b1re", 0.5, Schedule(1.0, sleep="stop"), "it has none with a published current"
    yield "ideal-m4", 0.5, Schedule(1.0, sleep="stop"), "ideal-m4 has no electrical figures"


@pytest.mark.parametrize(("name", "seconds", "schedule", "message"), list(_refusals()))
def test_impossible_duty_cycle(name: str, seconds: float, schedule: Schedule, message: str) -> None:
    """What does not fit, or has no figures, is refused with what there is."""
    board = load_profile(name).board
    with pytest.raises(UsageError, match=message):
        energy_of_duty_cycle(_run(board, "flash", seconds), board, schedule)


def test_results_carry_the_duty_cycle() -> None:
    """A result has a duty cycle where a schedule was given, and only there."""
    board = load_profile("stm32f103").board
    run = _run(board, "flash", 0.1)
    assert with_schedule(run, board, None) is run
    assert "duty_cycle" not in run.model_dump()
    duty = with_schedule(run, board, Schedule(1.0, sleep="stop")).model_dump()["duty_cycle"]
    assert duty["average_current_ma"]["typical"] == pytest.approx(2.7126)


def test_an_unmarked_estimate_is_refused() -> None:
    """An electrical estimate needs its reasoning, as every estimate does."""
    with pytest.raises(ValueError, match="needs a note"):
        Quantity(value=1.0, unit="mA", source="S", kind="estimate")
