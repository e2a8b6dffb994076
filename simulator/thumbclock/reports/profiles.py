"""Profiles for a reader: what there is, and every number with its source."""

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from thumbclock.energy import run_point
from thumbclock.profiles import Electrical, Profile, Quantity
from thumbclock.result import NumberRecord, ProfileRecord

__all__ = ["details", "overview", "record"]

_NONE: Mapping[str, list[str]] = {}
_SERVES = {"fetch": "fetches", "data": "data", "both": "fetches and data"}
_WRITES = {"none": "read only", "through": "write-through", "back": "write-back"}


def overview(chosen: list[Profile]) -> Table:
    """Return a line for each profile: core, clock and what it stands for."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("profile", no_wrap=True)
    table.add_column("core", no_wrap=True)
    table.add_column("clock", justify="right", no_wrap=True)
    table.add_column("what it stands for")
    for profile in chosen:
        table.add_row(
            profile.name,
            profile.core.name,
            f"{profile.clock_hz / 1e6:g} MHz",
            Text(profile.board.summary),
        )
    return table


def details(profile: Profile) -> Group:
    """Return every number of a profile with unit, evidence and source."""
    board, core = profile.board, profile.core
    parts: list[RenderableType] = [
        Text(f"{board.title}", style="bold"),
        Text(board.summary),
        _facts(profile),
        *_section("clock", (number for number in board.numbers() if "clock_hz" in number[0][:12])),
    ]
    for memory in board.memories:
        abilities: list[str] = [memory.kind]
        abilities += ["executable"] if memory.executable else ["not executable"]
        abilities += [memory.note] if memory.note else []
        title = f"memory {memory.name} ({', '.join(abilities)})"
        parts += _section(title, memory.quantities.items())
    for cache in board.caches:
        state = "enabled" if cache in board.enabled_caches else "disabled"
        way = "fully associative" if cache.sets == 1 else f"{cache.ways}-way"
        title = (
            f"cache {cache.name} ({state}; {cache.size_bytes:,} bytes, {way}, {cache.policy} "
            f"replacement; {_SERVES[cache.serves]} of {', '.join(cache.memories)}; "
            f"{_WRITES[cache.writes]})"
        )
        parts += _section(title, cache.quantities.items())
        if cache.note:
            parts.append(Padding(Text(cache.note), (0, 0, 0, 4)))
    parts += _electrical(profile)
    parts += _section(f"core {core.name}: pipeline", core.pipeline.items())
    parts += _section(f"core {core.name}: branches", core.branch.items())
    if core.accuracy.error is not None:
        errors = core.accuracy.error.quantities()
        parts += _section(f"core {core.name}: error on silicon", errors.items())
    parts += _sources({**core.sources, **board.sources})
    return Group(*parts)


def _electrical(profile: Profile) -> Iterator[RenderableType]:
    electrical = profile.board.electrical
    if electrical is None:
        return
    yield from _section(
        f"electrical ({electrical.regulator.upper()})",
        electrical.numbers(),
        _code_remarks(electrical),
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for header in ("running from", "mA", "range", "static mA", "mA/MHz", "nJ/cycle"):
        table.add_column(header, justify="left" if header == "running from" else "right")
    supply = float(electrical.supply_v.value)
    for memory in profile.board.memories:
        if memory.executable:
            point = run_point(profile.board, memory.name)
            assert point is not None
            current = point.current_ma
            table.add_row(
                memory.name,
                f"{current.typical:.3g}",
                f"{current.low:.3g} to {current.high:.3g}",
                f"{point.static_ma:.2g}",
                f"{point.dynamic_ma_per_mhz:.3g}",
                f"{current.typical * supply / (profile.clock_hz / 1e6):.3g}",
            )
    yield Text(f"\nrunning at {profile.clock_hz / 1e6:g} MHz and {supply:g} V", style="bold")
    yield Padding(table, (0, 0, 0, 2))


def _code_remarks(electrical: Electrical) -> dict[str, list[str]]:
    """Return which memories code runs from in each row of run currents."""
    remarks: dict[str, list[str]] = {}
    for index, row in enumerate(electrical.run):
        remarks.setdefault(f"code in {', '.join(row.code)}", []).append(f"run.{index}")
    return remarks


def _facts(profile: Profile) -> Table:
    board, core = profile.board, profile.core
    not_modelled = [*core.not_modelled, *board.not_modelled]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    table.add_row("core", f"{core.title} ({core.architecture}), FPU {profile.fpu or 'none'}")
    table.add_row("accuracy", Text(f"{core.accuracy.phrase}. {core.accuracy.detail}"))
    table.add_row("placement", Text(str(board.default_placement).replace(",", ", ")))
    for index, item in enumerate(not_modelled):
        table.add_row("not modelled" if index == 0 else "", Text(item))
    return table


def _section(
    title: str, numbers: Iterable[tuple[str, Quantity]], remarks: Mapping[str, list[str]] = _NONE
) -> Iterator[RenderableType]:
    """Yield a table of numbers and below it the notes, which need the whole width.

    Remarks are notes that do not come from a number itself: text -> names that they are on.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("number", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("range", no_wrap=True)
    table.add_column("evidence [source]")
    notes = {text: list(names) for text, names in remarks.items()}
    for name, quantity in numbers:
        table.add_row(
            name,
            _value(quantity),
            quantity.unit,
            _range(quantity),
            Text(f"{quantity.kind} [{quantity.source}]"),
        )
        if quantity.note:
            notes.setdefault(quantity.note, []).append(name)
    if not table.row_count:
        return
    yield Text(f"\n{title}", style="bold")
    yield Padding(table, (0, 0, 0, 2))
    for note, names in notes.items():
        yield Padding(Text.assemble((", ".join(names), "italic"), ": ", note), (0, 0, 0, 4))


def _sources(sources: Mapping[str, str]) -> Iterator[RenderableType]:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for tag in sorted(sources, key=str.lower):
        table.add_row(Text(tag), Text(sources[tag]))
    yield Text("\nsources", style="bold")
    yield Padding(table, (0, 0, 0, 2))


def _value(quantity: Quantity) -> str:
    if isinstance(quantity.value, bool):
        return "yes" if quantity.value else "no"
    if quantity.unit == "address":
        return f"{quantity.integer:#010x}"
    return str(quantity.value)


def _range(quantity: Quantity) -> str:
    low, _, high = quantity.interval
    return "" if low == high else f"{low:g} to {high:g}"


def record(profile: Profile) -> ProfileRecord:
    """Return a profile as results hold it."""
    board, core = profile.board, profile.core
    numbers = [*board.numbers(), *((f"core.{name}", number) for name, number in core.numbers())]
    return ProfileRecord(
        name=profile.name,
        title=board.title,
        summary=board.summary,
        core=core.name,
        fpu=profile.fpu,
        accuracy=core.accuracy.phrase,
        clock_hz=profile.clock_hz,
        placement=board.default_placement.names(),
        not_modelled=(*core.not_modelled, *board.not_modelled),
        numbers=tuple(
            NumberRecord(name=name, **quantity.model_dump()) for name, quantity in numbers
        ),
        sources={**core.sources, **board.sources},
    )
