"""Caches, prefetch buffers and flash accelerators, simulated beside the pipeline.

What a cache holds depends on all that went before, so it is no part of the pipeline's state: like
the branch predictor it is simulated for itself, by functions on a table of 64-bit words that the
native hook and the reference engine each have their own of. An access that is not served at once
adds its stall to the time; the core, in order, stands still meanwhile.

One mechanism covers them all: lines with tags in sets, a replacement policy, a time from which a
line can be read, and for each memory behind a time until which it is busy. A prefetch buffer is a
cache of a few lines that also asks for the next line; an ART accelerator is one with more lines.

Every access is a *touch*: a line entered by fetch, or the bytes of a load or store. A touch writes
through a journal, so that the touches of a unit that was left in the middle can be taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from thumbclock.profiles import Cache

__all__ = [
    "CACHE_WORDS",
    "MAX_ROUTES",
    "Route",
    "begin_journal",
    "fetch",
    "initialise",
    "journal",
    "journal_fits",
    "miss_counts",
    "read_or_write",
    "roll_back",
    "set_touch",
]

_U = np.uint64

MAX_CACHES, MAX_ROUTES = 4, 31
_MAX_LINES = 1 << 13
_HINTS = 256
_JOURNAL_RECORDS = 1 << 15

# The table's words, from its base: header, routes, caches, their lines, the journal.
_STAMP, _NUMBER, _RECORDS, _TOUCH = _U(0), _U(1), _U(2), _U(3)
_ROUTES = 16
_ROUTE_WORDS = 8
_ROUTE_FETCH, _ROUTE_DATA, _ROUTE_MISS, _ROUTE_REST, _ROUTE_BUSY = (_U(i) for i in range(5))
_CACHES = _ROUTES + _ROUTE_WORDS * (MAX_ROUTES + 1)
_CACHE_HEADER = 16
(
    _SHIFT, _SETS, _WAYS, _POLICY, _BACK, _PREFETCH, _LINES, _HINT, _LAST_FETCH, _LAST_DATA,
    _LAST_WAY, _MISSES, _TURN,
) = (_U(i) for i in range(13))  # fmt: skip
_LINE_WORDS = 4
_TAG, _USED, _READY, _DIRTY = (_U(i) for i in range(4))
_STORAGE = _CACHES + MAX_CACHES * (_CACHE_HEADER + _HINTS)
_JOURNAL = _STORAGE + _LINE_WORDS * _MAX_LINES
CACHE_WORDS = _JOURNAL + 2 * _JOURNAL_RECORDS

_0, _1, _2, _3, _32 = _U(0), _U(1), _U(2), _U(3), _U(32)
_LOW = _U(0xFFFFFFFF)
_NONE = _U(0xFFFFFFFFFFFFFFFF)
_HINT_MASK = _U(_HINTS - 1)
_ROUTES_BASE, _JOURNAL_BASE = _U(_ROUTES), _U(_JOURNAL)
_JOURNAL_LIMIT = _U(_JOURNAL_RECORDS)
_POLICIES = {"lru": 0, "round_robin": 1, "random": 2}
_LRU, _ROUND_ROBIN = _U(0), _U(1)
_SEED = 0x2545F491


@dataclass(frozen=True, slots=True)
class Route:
    """How accesses to a memory go: through which caches, and what a miss costs.

    Attributes:
        fetch_cache: Index of the cache that instruction fetches go through, -1 for none.
        data_cache: The same for loads and stores.
        miss_cycles: Stall from a miss until the word is there, in CPU cycles.
        rest_cycles: Further cycles until the line is complete; the memory is busy until then.
    """

    fetch_cache: int
    data_cache: int
    miss_cycles: int
    rest_cycles: int


def initialise(
    words: npt.NDArray[np.uint64], caches: Sequence[Cache], routes: Sequence[Route]
) -> None:
    """Empty all caches, as after reset, and note their geometry.

    Args:
        words: The table, ``CACHE_WORDS`` long.
        caches: The enabled caches, at most ``MAX_CACHES``.
        routes: The ways to memories; the route with number n is ``routes[n - 1]``.

    Raises:
        ValueError: More caches, lines or routes than the table has room for.
    """
    if len(caches) > MAX_CACHES or sum(cache.lines for cache in caches) > _MAX_LINES:
        raise ValueError(f"more than {MAX_CACHES} caches, or {_MAX_LINES} lines in them")
    if len(routes) > MAX_ROUTES:
        raise ValueError(f"{len(routes)} memories behind caches; at most {MAX_ROUTES} are possible")
    words[:CACHE_WORDS] = 0
    words[int(_NUMBER)] = _SEED
    places = []
    lines = _STORAGE
    for index, cache in enumerate(caches):
        place = _CACHES + index * (_CACHE_HEADER + _HINTS)
        places.append(place)
        header = words[place : place + _CACHE_HEADER]
        header[int(_SHIFT)] = cache.line_bytes.bit_length() - 1
        header[int(_SETS)] = cache.lines // cache.ways
        header[int(_WAYS)] = cache.ways
        header[int(_POLICY)] = _POLICIES[cache.policy]
        header[int(_BACK)] = cache.writes == "back"
        header[int(_PREFETCH)] = cache.prefetch
        header[int(_LINES)] = lines
        header[int(_HINT)] = place + _CACHE_HEADER
        header[int(_LAST_FETCH)] = header[int(_LAST_DATA)] = _NONE
        end = lines + _LINE_WORDS * cache.lines
        words[lines + int(_TAG) : end : _LINE_WORDS] = _NONE
        words[place + _CACHE_HEADER : place + _CACHE_HEADER + _HINTS] = lines
        lines = end
    for number, route in enumerate(routes, 1):
        place = _ROUTES + _ROUTE_WORDS * number
        words[place : place + 4] = (
            places[route.fetch_cache] if route.fetch_cache >= 0 else 0,
            places[route.data_cache] if route.data_cache >= 0 else 0,
            route.miss_cycles,
            route.rest_cycles,
        )


def miss_counts(words: npt.NDArray[np.uint64], count: int) -> list[int]:
    """Return how many lines each of the first ``count`` caches had to fetch, prefetches apart."""
    step = _CACHE_HEADER + _HINTS
    return [int(words[_CACHES + step * index + int(_MISSES)]) for index in range(count)]


@numba.njit(inline="always")
def journal(a, base, place):
    """Note the value of a word that the present touch is about to change."""
    records = a[base + _RECORDS]
    if records < _JOURNAL_LIMIT:
        record = base + _JOURNAL_BASE + (records << _1)
        a[record] = place | (a[base + _TOUCH] << _32)
        a[record + _1] = a[place]
    a[base + _RECORDS] = records + _1


@numba.njit(inline="always")
def _put(a, base, place, value):
    """Change a word of the caches."""
    journal(a, base, place)
    a[place] = value


@numba.njit(inline="always")
def begin_journal(a, base):
    """Start anew: what was touched so far can no longer be taken back."""
    a[base + _RECORDS] = _0


@numba.njit(inline="always")
def set_touch(a, base, number):
    """State the number of the touch that follows, by which it can be taken back."""
    a[base + _TOUCH] = number


@numba.njit
def journal_fits(a, base):
    """Return whether the journal holds all that was written since it began."""
    return a[base + _RECORDS] <= _JOURNAL_LIMIT


@numba.njit
def roll_back(a, base, first):
    """Take back the touches from number ``first`` on, the last one first."""
    records = a[base + _RECORDS]
    while records != _0:
        record = base + _JOURNAL_BASE + ((records - _1) << _1)
        if a[record] >> _32 < first:
            break
        a[a[record] & _LOW] = a[record + _1]
        records -= _1
    a[base + _RECORDS] = records


@numba.njit
def _find(a, base, cache, line):
    """Return the place of a line in a cache, 0 where it is not there."""
    hint = a[base + cache + _HINT] + (line & _HINT_MASK)
    place = a[base + hint]
    if a[base + place + _TAG] == line:
        return place
    ways = a[base + cache + _WAYS]
    place = a[base + cache + _LINES] + (line & (a[base + cache + _SETS] - _1)) * (ways << _2)
    for _ in range(ways):
        if a[base + place + _TAG] == line:
            a[base + hint] = place  # no journal: a wrong hint costs time of the host only
            return place
        place += _U(_LINE_WORDS)
    return _0


@numba.njit
def _victim(a, base, cache, line):
    """Return the place that a new line takes."""
    ways = a[base + cache + _WAYS]
    first = a[base + cache + _LINES] + (line & (a[base + cache + _SETS] - _1)) * (ways << _2)
    oldest, place = first, first
    for _ in range(ways):
        if a[base + place + _TAG] == _NONE:
            return place
        if a[base + place + _USED] < a[base + oldest + _USED]:
            oldest = place
        place += _U(_LINE_WORDS)
    policy = a[base + cache + _POLICY]
    if policy == _LRU:
        return oldest
    if policy == _ROUND_ROBIN:
        turn = a[base + cache + _TURN]
        _put(a, base, base + cache + _TURN, turn + _1)
    else:
        number = a[base + _NUMBER]  # a 32-bit xorshift generator
        number ^= (number << _U(13)) & _LOW
        number ^= number >> _U(17)
        number ^= (number << _U(5)) & _LOW
        _put(a, base, base + _NUMBER, number)
        turn = number
    return first + (turn % ways) * _U(_LINE_WORDS)


@numba.njit
def _use(a, base, place):
    """Note that a line was used last."""
    stamp = a[base + _STAMP] + _1
    _put(a, base, base + _STAMP, stamp)
    _put(a, base, base + place + _USED, stamp)


@numba.njit
def _load_line(a, base, cache, route, line, start, dirty):
    """Bring a line in, from a time at which it is asked for; return when its word is there.

    A modified line that has to go is written back behind the new one.
    """
    place = _victim(a, base, cache, line)
    start = max(start, a[base + route + _ROUTE_BUSY])
    ready = start + a[base + route + _ROUTE_MISS]
    busy = ready + a[base + route + _ROUTE_REST]
    if a[base + place + _DIRTY] != _0:
        busy += a[base + route + _ROUTE_REST]
    _put(a, base, base + route + _ROUTE_BUSY, busy)
    if a[base + place + _TAG] == a[base + cache + _LAST_DATA]:
        _put(a, base, base + cache + _LAST_DATA, _NONE)
    _put(a, base, base + place + _TAG, line)
    _put(a, base, base + place + _READY, ready)
    _put(a, base, base + place + _DIRTY, dirty)
    _use(a, base, place)
    return place


@numba.njit
def fetch(a, base, route_number, address, now):
    """Fetch an instruction's bytes; return the stall until they are there.

    All arguments are uint64: the table, where it starts, the number of the route to the memory, the
    address, and the present time in cycles. The line that was fetched last is in the core's own
    buffer, from which fetching on costs nothing.
    """
    route = _ROUTES_BASE + (route_number << _3)
    cache = a[base + route + _ROUTE_FETCH]
    line = address >> a[base + cache + _SHIFT]
    if cache == _0 or line == a[base + cache + _LAST_FETCH]:
        return _0
    _put(a, base, base + cache + _LAST_FETCH, line)
    place = _find(a, base, cache, line)
    if place == _0:
        _put(a, base, base + cache + _MISSES, a[base + cache + _MISSES] + _1)
        place = _load_line(a, base, cache, route, line, now, _0)
    else:
        _use(a, base, place)
    ready = a[base + place + _READY]
    stall = ready - now if ready > now else _0
    if a[base + cache + _PREFETCH] != _0 and _find(a, base, cache, line + _1) == _0:
        # The read takes a cycle of its own beyond the wait.
        _load_line(a, base, cache, route, line + _1, now + stall + _1, _0)
    return stall


@numba.njit
def _touch_line(a, base, cache, route, line, is_store, now):
    back = a[base + cache + _BACK]
    place = _find(a, base, cache, line)
    stall = _0
    if place == _0:
        if is_store and back == _0:
            return _0  # written to memory without a line of its own
        _put(a, base, base + cache + _MISSES, a[base + cache + _MISSES] + _1)
        dirty = _1 if is_store else _0
        busy = a[base + route + _ROUTE_BUSY]
        place = _load_line(a, base, cache, route, line, now, dirty)
        # A store waits in the store buffer for its line, and the core only for the line before.
        ready = busy if is_store else a[base + place + _READY]
    else:
        _use(a, base, place)
        ready = _0 if is_store else a[base + place + _READY]
        if is_store and back != _0 and a[base + place + _DIRTY] == _0:
            _put(a, base, base + place + _DIRTY, _1)
    if ready > now:
        stall = ready - now
    # A line that is still on its way must be looked at again.
    there = a[base + place + _READY] <= now + stall
    _put(a, base, base + cache + _LAST_DATA, line if there else _NONE)
    _put(a, base, base + cache + _LAST_WAY, place)
    return stall


@numba.njit
def read_or_write(a, base, route_number, address, size_bytes, is_store, now):
    """Load or store bytes; return the stall until that is done.

    All arguments but ``is_store`` are uint64, as in ``fetch``; the access may cross lines.
    """
    route = _ROUTES_BASE + (route_number << _3)
    cache = a[base + route + _ROUTE_DATA]
    if cache == _0:
        return _0
    shift = a[base + cache + _SHIFT]
    line, last = address >> shift, (address + size_bytes - _1) >> shift
    stall = _0
    while line <= last:
        known = line == a[base + cache + _LAST_DATA]
        if known and is_store and a[base + cache + _BACK] != _0:
            known = a[base + a[base + cache + _LAST_WAY] + _DIRTY] != _0
        if not known:
            stall += _touch_line(a, base, cache, route, line, is_store, now + stall)
        line += _1
    return stall
