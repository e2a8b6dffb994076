"""Energy: the arithmetic, the intervals, and a cross-check against metered inferences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumbclock.energy import energy
from thumbclock.errors import UsageError
from thumbclock.profiles import load_profile, profile_names

SILICON = [name for name in profile_names() if not name.startswith("ideal-")]


def test_worked_example() -> None:
    """One second of an STM32F407 at 3.3 V and 40 mA (36.2 to 61) is 132 mJ."""
    estimate = energy(load_profile("stm32f407g-disc1").board, 168_000_000, "flash")
    assert estimate is not None
    assert estimate.typical_uj == pytest.approx(132_000)
    assert estimate.low_uj == pytest.approx(119_460)
    assert estimate.high_uj == pytest.approx(201_300)
    assert estimate.basis.startswith(
        "40 (36.2 to 61) mA at 3.3 V and 168 MHz, code in flash; current documented [DS8626]: "
    )


@pytest.mark.parametrize("name", [name for name in profile_names() if name not in SILICON])
def test_no_silicon_no_energy(name: str) -> None:
    """Ideal boards stand for no silicon and have no energy."""
    assert energy(load_profile(name).board, 1000, "flash") is None


@pytest.mark.parametrize("name", SILICON)
@given(cycles=st.integers(0, 10**12))
def test_interval_holds_the_typical_value_and_scales(name: str, cycles: int) -> None:
    """The typical value lies in its interval, and energy is proportional to cycles."""
    board = load_profile(name).board
    for memory in board.memories:
        if memory.executable:
            estimate, double = energy(board, cycles, memory), energy(board, 2 * cycles, memory.name)
            assert estimate is not None
            assert double is not None
            assert 0 <= estimate.low_uj <= estimate.typical_uj <= estimate.high_uj
            assert double.typical_uj == pytest.approx(2 * estimate.typical_uj)
            assert double.basis == estimate.basis


@pytest.mark.parametrize("name", SILICON)
def test_estimates_are_marked(name: str) -> None:
    """Where a figure is an estimate, the basis says so and says why."""
    board = load_profile(name).board
    assert board.electrical is not None
    for memory, current in board.electrical.run_current_ma.items():
        estimate = energy(board, 1, memory)
        assert estimate is not None
        assert f"current {current.kind} [{current.source}]" in estimate.basis
        if current.kind == "estimate":
            assert current.note.rstrip(".") in estimate.basis
            assert estimate.low_uj < estimate.typical_uj < estimate.high_uj


def test_against_metered_inference() -> None:
    """At the meter's 1.8 V the L4R5 is within 0.32 to 0.40 nJ per cycle (MLPerf Tiny v1.0-v1.2)."""
    board = load_profile("nucleo-l4r5zi").board
    estimate = energy(board, 1_000_000, "flash")
    assert estimate is not None
    assert board.electrical is not None
    at_meter = 1.8 / float(board.electrical.supply_v.value)
    assert 0.32 <= estimate.typical_uj * at_meter / 1e3 <= 0.40


def test_code_where_none_can_run() -> None:
    """A memory that holds no code, or does not exist, is an error of use."""
    board = load_profile("stm32f407g-disc1").board
    with pytest.raises(UsageError, match="no run current for code in ccm"):
        energy(board, 1, "ccm")
    with pytest.raises(UsageError, match="no memory 'cmm'"):
        energy(board, 1, "cmm")
