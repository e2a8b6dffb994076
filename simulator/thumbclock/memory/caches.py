"""Caches, prefetch buffers and flash accelerators, simulated beside the pipeline.

What a cache holds depends on all that went before, so it is no part of the pipeline's state: like
the branch predictor it is simulated for itself, by functions on a table of 64-bit words that the
native hook and the reference engine each have their own of. An access that is not served at once
adds its stall to the time; the core, in order, stands still meanwhile.

One mechanism covers them all: lines with tags in sets, a replacement policy, a time from which a
line can be read, and for each memory behind a time until which it is busy. A prefetch buffer is a
cache of a few lines that also asks for the next line; an ART accelerator is one with more lines.

Every access is a *touch*: a line entered by fetch, or the bytes of a load or store. A touch that
hits changes nothing but the time of last use, which LRU replacement alone looks at; so where
another policy rules and no data shares the cache, what hit once hits again until a new line comes
in, of which the *generation* tells.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from thumbclock.profiles import Cache
from thumbclock.profiles.model import MAX_CACHE_LINES, MAX_CACHES, MAX_MEMORIES

__all__ = [
    "CACHE_WORDS",
    "MAX_ROUTES",
    "Route",
    "enter_line",
    "fetch",
    "generation",
    "held_line",
    "hits_line",
    "initialise",
    "miss_counts",
    "read_or_write",
    "steady_line",
]

_U = np.uint64

MAX_ROUTES = MAX_MEMORIES
_HINTS = 256

# The table's words, from its base: header, routes, caches with their hints, the lines.
_NUMBER, _GENERATION = _U(0), _U(1)
_ROUTES = 16
_ROUTE_WORDS = 8
_ROUTE_FETCH, _ROUTE_DATA, _ROUTE_MISS, _ROUTE_REST, _ROUTE_BUSY = (_U(i) for i in range(5))
_CACHES = _ROUTES + _ROUTE_WORDS * (MAX_ROUTES + 1)
_CACHE_HEADER = 16
(
    _SHIFT, _SETS, _WAYS, _POLICY, _BACK, _PREFETCH, _LINES, _HINT, _LAST_FETCH, _MISSES, _TURN,
    _STEADY, _AHEAD, _LINE_CYCLES, _FETCHED, _ENTERED,
) = (_U(i) for i in range(16))  # fmt: skip
_LINE_WORDS = 4
_TAG, _USED, _READY, _DIRTY = (_U(i) for i in range(4))
_STORAGE = _CACHES + MAX_CACHES * (_CACHE_HEADER + _HINTS)
CACHE_WORDS = _STORAGE + _LINE_WORDS * MAX_CACHE_LINES

_0, _1, _2, _3, _32 = _U(0), _U(1), _U(2), _U(3), _U(32)
_LOW = _U(0xFFFFFFFF)
_NONE = _U(0xFFFFFFFFFFFFFFFF)
_HINT_MASK = _U(_HINTS - 1)
_ROUTES_BASE = _U(_ROUTES)
_POLICIES = {"lru": 0, "round_robin": 1, "random": 2}
_LRU, _ROUND_ROBIN = _U(0), _U(1)
_SEED = 0x2545F491
_FETCH_BYTES = 4


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
    words: npt.NDArray[np.uint64],
    caches: Sequence[Cache],
    routes: Sequence[Route],
    words_ahead: int = 0,
) -> None:
    """Empty all caches, as after reset, and note their geometry.

    Args:
        words: The table, ``CACHE_WORDS`` long.
        caches: The enabled caches, at most ``MAX_CACHES``.
        routes: The ways to memories; the route with number n is ``routes[n - 1]``.
        words_ahead: Words that the core's own prefetch unit holds, 0 for a core that fetches a line
            when its first instruction issues.

    Raises:
        ValueError: More caches, lines or routes than the table has room for.
    """
    if len(caches) > MAX_CACHES or sum(cache.lines for cache in caches) > MAX_CACHE_LINES:
        raise ValueError(f"more than {MAX_CACHES} caches, or {MAX_CACHE_LINES} lines in them")
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
        ahead = words_ahead if cache.reads_ahead else 0
        steady = cache.serves == "fetch" and cache.policy != "lru" and not ahead
        header[int(_STEADY)] = steady
        header[int(_AHEAD)] = ahead
        header[int(_LINE_CYCLES)] = cache.line_bytes // _FETCH_BYTES
        header[int(_LINES)] = lines
        header[int(_HINT)] = place + _CACHE_HEADER
        header[int(_LAST_FETCH)] = _NONE
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
def generation(a, base):
    """Return how many lines have come into steady caches so far."""
    return a[base + _GENERATION]


@numba.njit
def steady_line(a, base, route_number, address):
    """Return how ``enter_line`` notes the line of a fetch, 0 where its cache is not steady.

    Steady is a cache in which hits leave no trace, and which no data shares.
    """
    cache = a[base + _ROUTES_BASE + (route_number << _3) + _ROUTE_FETCH]
    if a[base + cache + _STEADY] == _0:
        return _0
    return (cache + _LAST_FETCH) | (address >> a[base + cache + _SHIFT]) << _32


@numba.njit(inline="always")
def enter_line(a, base, line):
    """Note that fetch goes on in a line of a steady cache, known to be there."""
    a[base + (line & _LOW)] = line >> _32


@numba.njit
def held_line(a, base, route_number, address):
    """Return how ``hits_line`` finds the line of a load or store again, 0 if it is not there."""
    cache = a[base + _ROUTES_BASE + (route_number << _3) + _ROUTE_DATA]
    if cache == _0:
        return _0
    place = _find(a, base, cache, address >> a[base + cache + _SHIFT])
    return place | a[base + cache + _SHIFT] << _32 if place != _0 else _0


@numba.njit(inline="always")
def hits_line(a, base, held, address, size_bytes, is_store, now):
    """Carry out a load or store if it hits the same line as before and nothing else changes.

    Equal in effect to ``read_or_write``, which is to be called where this returns false.
    """
    shift = held >> _32
    place = base + (held & _LOW)
    line = address >> shift
    if held == _0 or a[place + _TAG] != line or a[place + _READY] > now:
        return False
    if (address + size_bytes - _1) >> shift != line or (is_store and a[place + _DIRTY] == _0):
        return False
    a[place + _USED] = now
    return True


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
            a[base + hint] = place
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
        a[base + cache + _TURN] = turn + _1
    else:
        number = a[base + _NUMBER]  # a 32-bit xorshift generator
        number ^= (number << _U(13)) & _LOW
        number ^= number >> _U(17)
        number ^= (number << _U(5)) & _LOW
        a[base + _NUMBER] = number
        turn = number
    return first + (turn % ways) * _U(_LINE_WORDS)


@numba.njit
def _load_line(a, base, cache, route, line, start, dirty):
    """Bring a line in, from a time at which it is asked for; return its place.

    A modified line that has to go is written back behind the new one.
    """
    place = _victim(a, base, cache, line)
    start = max(start, a[base + route + _ROUTE_BUSY])
    ready = start + a[base + route + _ROUTE_MISS]
    busy = ready + a[base + route + _ROUTE_REST]
    if a[base + place + _DIRTY] != _0:
        busy += a[base + route + _ROUTE_REST]
    a[base + route + _ROUTE_BUSY] = busy
    a[base + _GENERATION] += a[base + cache + _STEADY]
    a[base + place + _TAG] = line
    a[base + place + _READY] = ready
    a[base + place + _DIRTY] = dirty
    a[base + place + _USED] = start
    return place


@numba.njit
def _asked_ahead(a, base, cache, now):
    """Return when a core that fetches ahead could have the line behind the one that it is in.

    It reads a word a cycle, behind those of the line before, and has room for it once all but
    ``_AHEAD`` words in front of it have issued. The word is read in one cycle and decoded in the
    next.
    """
    cycles = a[base + cache + _LINE_CYCLES]
    room = a[base + cache + _ENTERED] + cycles + _2 - a[base + cache + _AHEAD]
    return min(now, max(room, a[base + cache + _FETCHED] + cycles))


@numba.njit
def _fetch_line(a, base, cache, route, line, asked):
    """Fetch a line that is asked for at a time, and the next if prefetched; return when it came."""
    place = _find(a, base, cache, line)
    if place == _0:
        a[base + cache + _MISSES] += _1
        place = _load_line(a, base, cache, route, line, asked, _0)
    a[base + place + _USED] = asked
    fetched = max(asked, a[base + place + _READY])
    if a[base + cache + _PREFETCH] != _0 and _find(a, base, cache, line + _1) == _0:
        # The read takes a cycle of its own beyond the wait.
        _load_line(a, base, cache, route, line + _1, fetched + _1, _0)
    return fetched


@numba.njit
def fetch(a, base, route_number, address, now):
    """Fetch an instruction's bytes; return the stall until they are there.

    All arguments are uint64: the table, where it starts, the number of the route to the memory, the
    address, and the present time in cycles. The line that was fetched last is in the core's own
    buffer, from which fetching on costs nothing. A core with a prefetch unit asked for the line
    behind it before the present time; a branch loses that lead, and waits for what was asked for.
    """
    route = _ROUTES_BASE + (route_number << _3)
    cache = a[base + route + _ROUTE_FETCH]
    line, last = address >> a[base + cache + _SHIFT], a[base + cache + _LAST_FETCH]
    if cache == _0 or line == last:
        return _0
    a[base + cache + _LAST_FETCH] = line
    asked = now
    if a[base + cache + _AHEAD] != _0 and last != _NONE:
        ahead = _asked_ahead(a, base, cache, now)
        if line == last + _1:
            asked = ahead
        elif ahead < now:
            _fetch_line(a, base, cache, route, last + _1, ahead)
    fetched = _fetch_line(a, base, cache, route, line, asked)
    stall = fetched - now if fetched > now else _0
    a[base + cache + _FETCHED] = fetched
    a[base + cache + _ENTERED] = now + stall
    return stall


@numba.njit
def _touch_line(a, base, cache, route, line, is_store, now):
    back = a[base + cache + _BACK]
    place = _find(a, base, cache, line)
    stall = _0
    if place == _0:
        if is_store and back == _0:
            return _0  # written to memory without a line of its own
        a[base + cache + _MISSES] += _1
        dirty = _1 if is_store else _0
        busy = a[base + route + _ROUTE_BUSY]
        place = _load_line(a, base, cache, route, line, now, dirty)
        # A store waits in the store buffer for its line, and the core only for the line before.
        ready = busy if is_store else a[base + place + _READY]
    else:
        ready = _0 if is_store else a[base + place + _READY]
        if is_store:
            a[base + place + _DIRTY] |= back
    a[base + place + _USED] = now
    if ready > now:
        stall = ready - now
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
        stall += _touch_line(a, base, cache, route, line, is_store, now + stall)
        line += _1
    return stall
