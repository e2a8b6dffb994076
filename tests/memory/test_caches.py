"""The cache simulation against a plain model of what a cache is, and what it takes back."""

from collections import OrderedDict

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thumbclock.memory import caches
from thumbclock.memory.caches import Route
from thumbclock.profiles import Cache

BASE = np.uint64(0)
MISS, REST = 10, 4
Words = npt.NDArray[np.uint64]


def cache(**changes: object) -> Cache:
    """Return a small data cache: 2 sets of 2 ways with lines of 16 bytes."""
    fields: dict[str, object] = {
        "name": "small", "serves": "both", "memories": ("flash",), "policy": "lru",
        "writes": "back", "line_bytes": 16, "lines": 4, "ways": 2, "prefetch": False,
        "data_banks": 1, "reads_ahead": True, "at_reset": True, "usual": True, "note": "",
        "quantities": {},
    }  # fmt: skip
    return Cache(**{**fields, **changes})  # type: ignore[arg-type]


def table(*simulated: Cache, words_ahead: int = 0) -> Words:
    """Return the table of caches that all serve one memory."""
    words = np.zeros(caches.CACHE_WORDS, np.uint64)
    last = len(simulated) - 1
    caches.initialise(words, simulated, [Route(0, last, MISS, REST)], words_ahead)
    return words


def fetch(words: Words, address: int, now: int) -> int:
    """Fetch; return the stall."""
    return int(caches.fetch(words, BASE, np.uint64(1), np.uint64(address), np.uint64(now)))


def touch(words: Words, address: int, now: int, *, store: bool = False, size_bytes: int = 4) -> int:
    """Load or store; return the stall."""
    place, size, time = np.uint64(address), np.uint64(size_bytes), np.uint64(now)
    return int(caches.read_or_write(words, BASE, np.uint64(1), place, size, store, time))


@settings(deadline=None)  # the first call compiles
@given(
    lines=st.sampled_from([4, 8]),
    ways=st.sampled_from([1, 2, 4]),
    addresses=st.lists(st.integers(0, 40), max_size=60),
)
def test_lru_misses_as_the_textbook_has_it(lines: int, ways: int, addresses: list[int]) -> None:
    """Far apart in time, every load hits or misses as in a list of sets ordered by use."""
    words = table(cache(lines=lines, ways=ways))
    sets: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(lines // ways)]
    for number, line in enumerate(addresses):
        chosen = sets[line % len(sets)]
        hit = line in chosen
        stall = touch(words, line * 16 + number % 13, 1000 * number)
        assert stall == (0 if hit else MISS)
        chosen[line] = None
        chosen.move_to_end(line)
        if len(chosen) > ways:
            chosen.popitem(last=False)


@pytest.mark.parametrize("policy", ["round_robin", "random"])
def test_other_policies_fill_the_free_ways_first(policy: str) -> None:
    """Two lines of one set live in two ways, whichever is replaced later; a third makes one go."""
    words = table(cache(policy=policy))
    assert [touch(words, line * 32, 1000 * line) for line in range(3)] == [MISS] * 3
    again = [touch(words, line * 32, 9000 + 1000 * line) for line in (2, 0, 1)]
    assert again[0] == 0
    assert again.count(MISS) >= 1


def test_random_replacement_repeats() -> None:
    """The same accesses miss alike in every run: the generator starts from one seed."""
    accesses = [(n * n * 7 % 23) * 16 for n in range(200)]
    runs = []
    for _ in range(2):
        words = table(cache(policy="random"))
        runs.append([touch(words, a, 100 * n) for n, a in enumerate(accesses)])
    assert runs[0] == runs[1]


def test_second_miss_waits_for_the_whole_first_line() -> None:
    """The word asked for comes first; the memory is busy until the rest of its line is there."""
    words = table(cache())
    assert touch(words, 0, 0) == MISS
    assert touch(words, 16, MISS) == REST + MISS


def test_access_across_lines_touches_both() -> None:
    """Eight bytes at the end of a line miss in it and in the next."""
    words = table(cache())
    assert touch(words, 12, 0, size_bytes=8) == MISS + REST + MISS
    assert touch(words, 16, 100) == 0


def test_store_miss_does_not_stall_but_allocates() -> None:
    """A store waits in the store buffer, and its line is there for later loads."""
    words = table(cache())
    assert touch(words, 0, 0, store=True) == 0
    assert touch(words, 4, 5) == MISS - 5  # the line is on its way
    assert touch(words, 8, 50) == 0


def test_modified_line_is_written_back() -> None:
    """The memory is busy longer where the line that goes was modified."""
    stalls = []
    for modifies in (False, True):
        words = table(cache(lines=1, ways=1))
        touch(words, 0, 0, store=modifies)
        touch(words, 16, 100)
        stalls.append(touch(words, 32, 100 + MISS))
    assert stalls == [REST + MISS, 2 * REST + MISS]


def test_write_through_does_not_allocate() -> None:
    """A store that misses leaves no line; one that hits keeps it."""
    words = table(cache(writes="through"))
    assert touch(words, 0, 0, store=True) == 0
    assert touch(words, 0, 100) == MISS
    assert touch(words, 0, 200, store=True) == 0
    assert touch(words, 0, 300) == 0


def test_prefetch_hides_what_runs_in_between() -> None:
    """The next line is asked for as soon as this one is there, and is waited for in part."""
    words = table(cache(prefetch=True))
    assert fetch(words, 0, 0) == MISS
    asked = MISS + REST  # the memory is busy with the rest of the first line
    assert fetch(words, 16, MISS + 8) == asked + MISS - (MISS + 8)
    assert fetch(words, 32, 1000) == 0


def test_core_that_fetches_ahead_waits_less() -> None:
    """It asks for a line when all but three words before it have issued, a word a cycle at best."""
    words = table(cache(), words_ahead=3)
    assert fetch(words, 0, 0) == MISS
    asked = MISS + 4  # behind the four words of the first line
    assert fetch(words, 16, MISS + 6) == asked + MISS - (MISS + 6)


def test_cache_that_does_not_read_ahead() -> None:
    """In front of it the core's own lead gains nothing."""
    for words_ahead in (0, 3):
        words = table(cache(reads_ahead=False), words_ahead=words_ahead)
        assert [fetch(words, 16 * n, 100 * n) for n in range(3)] == [MISS] * 3


def test_branch_waits_for_what_was_fetched_ahead() -> None:
    """The line behind the branch is on its way, and the target's comes after it."""
    words = table(cache(), words_ahead=3)
    assert fetch(words, 0, 0) == MISS
    now = MISS + 5
    asked = MISS + 4
    assert fetch(words, 64, now) == (asked + MISS + REST + MISS) - now
    assert fetch(words, 16, 1000) == 0


def test_fetch_goes_on_in_its_line() -> None:
    """What the core has in its own buffer costs nothing, though the cache has lost it."""
    words = table(cache(lines=1, ways=1))
    assert fetch(words, 0, 0) == MISS
    assert touch(words, 64, 100) == MISS
    assert fetch(words, 8, 200) == 0
    assert fetch(words, 16, 300) == MISS


def test_generation_tells_of_new_lines() -> None:
    """It advances with each line that comes in, and stands while everything hits."""
    words = table(cache(serves="fetch", writes="none", policy="random"))
    before = caches.generation(words, BASE)
    fetch(words, 0, 0)
    after = caches.generation(words, BASE)
    assert after == before + 1
    for now, address in enumerate((16, 0, 16, 0), 1):
        fetch(words, address, 100 * now)
    assert caches.generation(words, BASE) == after + 1


@pytest.mark.parametrize(
    ("changes", "steady"),
    [({}, True), ({"policy": "lru"}, False), ({"serves": "both"}, False)],
)
def test_steady_caches(changes: dict[str, object], steady: bool) -> None:
    """A cache is steady unless a hit changes the order of use, or data takes a line away."""
    fields: dict[str, object] = {"serves": "fetch", "writes": "none", "policy": "random"}
    words = table(cache(**{**fields, **changes}))
    assert bool(caches.steady_line(words, BASE, np.uint64(1), np.uint64(0))) is steady


@settings(deadline=None)
@given(
    policy=st.sampled_from(["lru", "round_robin", "random"]),
    writes=st.sampled_from(["through", "back"]),
    accesses=st.lists(
        st.tuples(st.integers(0, 60), st.sampled_from([1, 4, 8]), st.booleans()), max_size=60
    ),
)
def test_short_way_to_a_line_is_equal(
    policy: str, writes: str, accesses: list[tuple[int, int, bool]]
) -> None:
    """Looking first where an access hit last changes nothing but the host's time."""
    quick, plain = (table(cache(policy=policy, writes=writes)) for _ in range(2))
    held: dict[int, np.uint64] = {}
    for now, (address, size, store) in enumerate(accesses):
        numbers = np.uint64(2 * address), np.uint64(size)
        last = held.get(address % 3, BASE)
        if caches.hits_line(quick, BASE, last, *numbers, store, np.uint64(5 * now)):
            stall = 0
        else:
            stall = touch(quick, 2 * address, 5 * now, store=store, size_bytes=size)
            held[address % 3] = np.uint64(caches.held_line(quick, BASE, np.uint64(1), numbers[0]))
        assert stall == touch(plain, 2 * address, 5 * now, store=store, size_bytes=size)


def test_too_many_caches_are_refused() -> None:
    """The table has room for four."""
    with pytest.raises(ValueError, match="more than 4 caches"):
        table(*[cache()] * 5)
