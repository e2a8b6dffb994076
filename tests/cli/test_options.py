"""Texts of options: clocks, supplies, duty cycles."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumbclock.cli.options import clock_hz, schedule, supply_v
from thumbclock.energy import Schedule
from thumbclock.errors import UsageError


@pytest.mark.parametrize(
    ("text", "hertz"),
    [
        (None, None),
        ("24000000", 24_000_000),
        ("24_000_000", 24_000_000),
        ("24MHz", 24_000_000),
        (" 24 mhz ", 24_000_000),
        ("0.5MHz", 500_000),
        ("32.768kHz", 32_768),
        ("1GHz", 1_000_000_000),
        ("8 Hz", 8),
    ],
)
def test_clock(text: str | None, hertz: int | None) -> None:
    """A clock is read with or without a unit."""
    assert clock_hz(text) == hertz


@given(st.integers(1, 10**10))
def test_clock_round_trip(hertz: int) -> None:
    """Every whole number of hertz reads back, in any unit."""
    assert clock_hz(str(hertz)) == clock_hz(f"{hertz / 1}Hz") == hertz


@pytest.mark.parametrize("text", ["", "fast", "24 MV", "-1MHz", "0", "0.5", "nan", "infHz"])
def test_no_clock(text: str) -> None:
    """What is no positive and whole number of hertz is refused."""
    with pytest.raises(UsageError, match=re.escape(f"--clock {text!r}: expected a frequency")):
        clock_hz(text)


@pytest.mark.parametrize(
    ("text", "volts"), [(None, None), ("1.8", 1.8), ("1.8V", 1.8), ("3 v", 3.0), ("1800mV", 1.8)]
)
def test_supply(text: str | None, volts: float | None) -> None:
    """A supply is read with or without a unit."""
    assert supply_v(text) == volts


@pytest.mark.parametrize("text", ["", "low", "3A", "0", "-3"])
def test_no_supply(text: str) -> None:
    """What is no positive voltage is refused."""
    with pytest.raises(UsageError, match=re.escape(f"--supply {text!r}: expected a voltage")):
        supply_v(text)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((None, None, None), None),
        (("1s", "stop2", None), Schedule(1.0, sleep="stop2")),
        (("250ms", "12uA", "220mAh"), Schedule(0.25, sleep_ua=12.0, battery_mah=220.0)),
        (("5min", "0.5mA", "2.6Ah"), Schedule(300.0, sleep_ua=500.0, battery_mah=2600.0)),
        (("1h", "300nA", None), Schedule(3600.0, sleep_ua=0.3)),
    ],
)
def test_schedule(
    texts: tuple[str | None, str | None, str | None], expected: Schedule | None
) -> None:
    """A duty cycle is read from a period, a mode or current, and a battery."""
    assert schedule(*texts, 0.0) == expected


def test_self_discharge_is_a_percentage() -> None:
    """The option is in percent, the schedule in parts."""
    found = schedule("1s", "stop", None, 2.0)
    assert found is not None
    assert found.self_discharge_per_year == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("period", "sleep", "battery", "message"),
    [
        (None, "stop", None, "--sleep stop belongs to a duty cycle; give its --period too"),
        (None, None, "220mAh", "--battery 220mAh belongs to a duty cycle; give its --period too"),
        ("1s", None, None, "--period 1s needs --sleep: a sleep mode of the profile"),
        ("often", "stop", None, "--period 'often': expected a time, e.g. 1s or 250ms"),
        ("1", "stop", None, "--period '1': expected a time"),
        ("1s", "stop", "220", "--battery '220': expected a charge, e.g. 220mAh"),
        ("1s", "0uA", None, "--sleep '0uA': expected a sleep mode of the profile, or a current"),
    ],
)
def test_no_schedule(
    period: str | None, sleep: str | None, battery: str | None, message: str
) -> None:
    """Options that lack one another, or a unit, are refused."""
    with pytest.raises(UsageError, match=re.escape(message)):
        schedule(period, sleep, battery, 0.0)
