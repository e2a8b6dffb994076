"""Regions and wait states of the boards, and what fetching through lines costs."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumbclock.cores import Edge, pipeline_model
from thumbclock.errors import UsageError
from thumbclock.isa import decode
from thumbclock.memory import MemoryMap, Timing
from thumbclock.profiles import load_profile, profile_names

NOP, NOP_W = bytes.fromhex("00bf"), bytes.fromhex("aff30080")


@pytest.mark.parametrize("name", profile_names())
def test_regions_are_ordered_and_apart(name: str) -> None:
    """No address belongs to two memories, aliases included."""
    regions = MemoryMap(load_profile(name).board).regions
    assert all(a.end <= b.base for a, b in itertools.pairwise(regions))


@given(name=st.sampled_from(profile_names()), address=st.integers(0, (1 << 32) - 1))
def test_region_holds_its_address(name: str, address: int) -> None:
    """A region is found exactly for the addresses in it."""
    memory = MemoryMap(load_profile(name).board)
    holding = [r for r in memory.regions if r.base <= address < r.end]
    assert memory.region_at(address) == (holding[0] if holding else None)


def test_wait_class_is_the_memory_s() -> None:
    """A data access that no cache serves waits as the board file says."""
    profile = load_profile("nucleo-h743zi", caches="off")
    memory = MemoryMap(profile.board)
    for found in profile.board.memories:
        waits = memory.wait_classes[memory.wait_class_at(found.base)]
        assert waits.read_cycles == found.wait_cycles("read")
        assert waits.data_banks == found.data_banks


def test_memory_that_turns_round() -> None:
    """A load directly behind a store waits where the board file says so."""
    memory = MemoryMap(load_profile("imxrt1170-m4").board)
    turnarounds = [
        memory.wait_classes[memory.wait_class_at(base)].turnaround_cycles
        for base in (0x1FFE_0000, 0x2000_0000)
    ]
    assert turnarounds == [0, 1]


def test_range_must_lie_in_one_memory() -> None:
    """The message says what was needed and what there is."""
    memory = MemoryMap(load_profile("ideal-m7").board)
    assert memory.require(0x0800_0000, 16, "it").memory.name == "flash"
    with pytest.raises(UsageError, match=r"it needs 0x083ffff8-0x08400007.*flash 0x08000000"):
        memory.require(0x083F_FFF8, 16, "it")


@pytest.fixture
def timing() -> Timing:
    """An M7 whose flash has lines of 8 bytes and 5 cycles of wait."""
    profile = load_profile("ideal-m7")
    memory = MemoryMap(profile.board)
    memory.regions = tuple(
        dataclasses.replace(region, fetch_wait_cycles=5) if region.base == 0x0800_0000 else region
        for region in memory.regions
    )
    return Timing(pipeline_model(profile.core), memory)


def waits(timing: Timing, code: bytes, address: int, edge: Edge = Edge.NOT_TAKEN) -> int:
    """Return the fetch wait of an instruction behind another one, fetched by an edge."""
    access = timing.access(0, 0, executed=True, bits=0)
    state = timing.issue(timing.initial_state(), decode(NOP, 0x0800_0000), access).state
    issue = timing.issue(timing.redirect(state, edge), decode(code, address), access)
    return dict(issue.stalls).get("fetch_wait", 0)


@pytest.mark.parametrize(
    ("code", "address", "edge", "cycles"),
    [
        (NOP, 0x0800_0002, Edge.NOT_TAKEN, 0),  # in the line that is there
        (NOP, 0x0800_0008, Edge.NOT_TAKEN, 5),  # the next line
        (NOP_W, 0x0800_0006, Edge.NOT_TAKEN, 5),  # across two lines
        (NOP, 0x0800_0004, Edge.TAKEN, 5),  # a branch loses the line
        (NOP_W, 0x0800_0006, Edge.TAKEN, 10),  # a target across two lines
        (NOP, 0x2000_0000, Edge.TAKEN, 0),  # memory without waits
    ],
)
def test_fetch_waits_by_line(
    timing: Timing, code: bytes, address: int, edge: Edge, cycles: int
) -> None:
    """Entering a line costs its wait, once."""
    assert waits(timing, code, address, edge) == cycles


def test_skipped_access_waits_for_nothing(timing: Timing) -> None:
    """An instruction whose condition failed reaches no memory."""
    access = timing.access(0, 3, executed=False, bits=9)
    assert (access.address_low, access.read_wait_cycles, access.quotient_bits) == (0, 0, 0)
