"""A board at another clock, another supply, or with other caches enabled than its profile has."""

from collections.abc import Callable
from dataclasses import replace

from thumbclock.errors import UsageError
from thumbclock.profiles.model import (
    BoardProfile,
    Cache,
    Electrical,
    Memory,
    Quantity,
    WaitStates,
    did_you_mean,
)

__all__ = ["at_operating_point", "check_operating_point", "choose_caches", "default_supply_v"]

_MAX_CLOCK_HZ = 10**10

_WAITS = (
    "fetch_wait_cycles",
    "read_wait_cycles",
    "write_wait_cycles",
    "miss_cycles",
    "miss_rest_cycles",
)


def choose_caches(board: BoardProfile, text: str) -> tuple[Cache, ...]:
    """Return the caches that a text such as ``usual``, ``off`` or ``icache,dcache`` enables.

    Raises:
        UsageError: The board has no cache of that name.
    """
    chosen: dict[str, Callable[[Cache], bool]] = {
        "usual": lambda cache: cache.usual,
        "reset": lambda cache: cache.at_reset,
        "on": lambda _: True,
        "off": lambda _: False,
    }
    if text in chosen:
        return tuple(cache for cache in board.caches if chosen[text](cache))
    names = [name.strip() for name in text.split(",")]
    known = [cache.name for cache in board.caches]
    for name in names:
        if name not in known:
            has = f"has {', '.join(known)}" if known else "has none"
            raise UsageError(
                f"caches {text!r}: {board.name} has no cache {name!r}"
                f"{did_you_mean(name, [*known, *chosen])}; it {has}. Give names of them, or one of "
                f"{', '.join(chosen)}"
            )
    return tuple(cache for cache in board.caches if cache.name in names)


def default_supply_v(board: BoardProfile) -> float | None:
    """Return the supply that the profile states; None where there is no silicon to supply."""
    return None if board.electrical is None else float(board.electrical.supply_v.value)


def at_operating_point(
    board: BoardProfile, *, clock_hz: int | None = None, supply_v: float | None = None
) -> BoardProfile:
    """Return a board at another clock or supply: its waits follow the wait states of its memories.

    Args:
        board: The board at its profile's clock and supply.
        clock_hz: CPU clock; as it is where none is given.
        supply_v: Supply voltage; as it is where none is given.

    Raises:
        UsageError: The board does not run at that clock and supply.
    """
    if supply_v is not None and board.electrical is None:
        raise UsageError(
            f"{board.name} has no electrical figures, so a supply of {supply_v:g} V means nothing; "
            "leave the supply out"
        )
    old_hz, old_v = board.clock_hz.integer, default_supply_v(board)
    new_hz = old_hz if clock_hz is None else clock_hz
    new_v = old_v if supply_v is None else supply_v
    if (new_hz, new_v) == (old_hz, old_v):
        return board
    check_operating_point(board, new_hz, new_v)

    def moved(memory: Memory) -> Memory:
        if memory.own_clock:
            return _at_own_clock(memory, old_hz, new_hz)
        if not memory.wait_states:
            return memory
        before = _wait_states(board, memory, old_hz, old_v)
        after = _wait_states(board, memory, new_hz, new_v)
        return _with_wait_states(memory, before, after)

    clock = board.clock_hz
    if new_hz != old_hz:
        clock = _changed(clock, new_hz, f"chosen; the profile's own is {old_hz / 1e6:g} MHz")
    return replace(
        board,
        clock_hz=clock,
        memories=tuple(moved(memory) for memory in board.memories),
        electrical=_at_supply(board.electrical, new_v),
    )


def _at_supply(electrical: Electrical | None, supply_v: float | None) -> Electrical | None:
    """Return the figures at another supply: an LDO keeps the current, an SMPS the power."""
    if electrical is None or supply_v is None or supply_v == electrical.supply_v.value:
        return electrical
    old_v = float(electrical.supply_v.value)
    supply = _changed(electrical.supply_v, supply_v, f"chosen; the profile's own is {old_v:g} V")
    if electrical.regulator == "ldo":
        return replace(electrical, supply_v=supply)
    ratio = old_v / supply_v
    note = f"the same power as at {old_v:g} V"

    def scaled(quantity: Quantity) -> Quantity:
        low, value, high = (round(end * ratio, 6) for end in quantity.interval)
        return _changed(quantity, value, note, low, high)

    return replace(
        electrical,
        supply_v=supply,
        run=tuple(replace(row, current_ma=scaled(row.current_ma)) for row in electrical.run),
        static_ma=scaled(electrical.static_ma),
        modes=tuple(
            mode if mode.clock_hz is None else replace(mode, current_ua=scaled(mode.current_ua))
            for mode in electrical.modes
        ),
    )


def check_operating_point(board: BoardProfile, clock_hz: int, supply_v: float | None) -> None:
    """Raise where a board does not run at a clock and supply.

    Raises:
        UsageError: It does not; the message says up to where it does.
    """
    if not 0 < clock_hz <= _MAX_CLOCK_HZ:
        raise UsageError(
            f"a clock of {clock_hz:.6g} Hz; expected a clock above 0 and of at most "
            f"{_MAX_CLOCK_HZ / 1e9:g} GHz"
        )
    low, high = board.min_clock_hz, board.max_clock_hz
    if (low and clock_hz < low.integer) or (high and clock_hz > high.integer):
        limits = [f"at least {low.integer / 1e6:g} MHz"] if low else []
        limits += [f"at most {high.integer / 1e6:g} MHz"] if high else []
        raise UsageError(
            f"{board.name} does not run at {clock_hz / 1e6:g} MHz; choose {' and '.join(limits)}"
        )
    if supply_v is not None and board.electrical is not None:
        low, high = board.electrical.min_supply_v, board.electrical.max_supply_v
        if not low.value <= supply_v <= high.value:
            raise UsageError(
                f"{board.name} does not run at {supply_v:g} V; choose a supply from {low.value:g} "
                f"to {high.value:g} V"
            )
    for memory in board.memories:
        if memory.wait_states:
            _wait_states(board, memory, clock_hz, supply_v)


def _wait_states(board: BoardProfile, memory: Memory, clock_hz: int, supply_v: float | None) -> int:
    table = _table(board, memory, supply_v)
    for states, limit in enumerate(table.limits_hz):
        if clock_hz <= limit.integer:
            return states
    at = "" if supply_v is None else f" at {supply_v:g} V"
    raise UsageError(
        f"{board.name} does not run at {clock_hz / 1e6:g} MHz: {memory.name} allows at most "
        f"{table.limits_hz[-1].integer / 1e6:g} MHz{at}; choose a lower clock"
    )


def _table(board: BoardProfile, memory: Memory, supply_v: float | None) -> WaitStates:
    """Return the table of a supply; where none is known, that of the highest."""
    tables = sorted(memory.wait_states, key=lambda table: -float(table.min_supply_v.value))
    for table in tables:
        if supply_v is None or supply_v >= float(table.min_supply_v.value):
            return table
    raise UsageError(
        f"{board.name} does not run at {supply_v:g} V: {memory.name} needs at least "
        f"{float(tables[-1].min_supply_v.value):g} V; choose a higher supply"
    )


def _with_wait_states(memory: Memory, before: int, after: int) -> Memory:
    if after == before:
        return memory
    assert memory.cycles_per_wait_state is not None
    per_state = memory.cycles_per_wait_state.integer
    rest = memory.rest_cycles_per_wait_state
    cycles = {
        "fetch_wait_cycles": per_state,
        "read_wait_cycles": per_state,
        "miss_cycles": per_state,
        "miss_rest_cycles": 0 if rest is None else rest.integer,
    }
    note = f"at {after} wait states instead of {before}"

    def moved(name: str, quantity: Quantity) -> Quantity:
        more = (after - before) * cycles.get(name, 0)
        return _mapped(quantity, lambda value: value + more, note) if more else quantity

    return _with_waits(memory, moved)


def _at_own_clock(memory: Memory, before_hz: int, after_hz: int) -> Memory:
    note = f"in proportion to a CPU clock that was {before_hz / 1e6:g} MHz"

    def moved(_: str, quantity: Quantity) -> Quantity:
        return _mapped(quantity, lambda value: value * after_hz / before_hz, note)

    return _with_waits(memory, moved)


def _with_waits(memory: Memory, change: Callable[[str, Quantity], Quantity]) -> Memory:
    """Return a memory with each of its waits changed."""
    waits = {
        name: change(name, quantity)
        for name, quantity in memory.quantities.items()
        if name in _WAITS
    }
    return replace(
        memory,
        fetch_wait_cycles=waits.get("fetch_wait_cycles"),
        read_wait_cycles=waits["read_wait_cycles"],
        write_wait_cycles=waits.get("write_wait_cycles"),
        miss_cycles=waits.get("miss_cycles"),
        miss_rest_cycles=waits.get("miss_rest_cycles"),
        quantities={**memory.quantities, **waits},
    )


def _mapped(quantity: Quantity, change: Callable[[float], float], note: str) -> Quantity:
    low, value, high = (max(0, round(change(end))) for end in quantity.interval)
    return _changed(quantity, value, note, low, high)


def _changed(
    quantity: Quantity, value: float, note: str, low: float | None = None, high: float | None = None
) -> Quantity:
    return quantity.model_copy(
        update={
            "value": value,
            "low": low,
            "high": high,
            "kind": "derived",
            "note": f"{note}. {quantity.note}".rstrip(". "),
        }
    )
