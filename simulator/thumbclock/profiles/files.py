"""The schema of core and board files, which holds what a profile file may say.

A file becomes one of these models, which yields the dataclasses of `thumbclock.profiles.model`.
"""

import itertools
from collections.abc import Mapping
from typing import Self

from pydantic import Field, field_validator, model_validator

from thumbclock.profiles.model import (
    CACHE_CHOICES,
    MAX_CACHE_LINES,
    MAX_CACHES,
    MAX_MEMORIES,
    ROLES,
    AccuracyStatement,
    Cache,
    CachePolicy,
    CacheServes,
    CacheWrites,
    Electrical,
    Fpu,
    Mcpu,
    Memory,
    MemoryKind,
    Name,
    Quantity,
    Regulator,
    Role,
    RunCurrent,
    Schema,
    SleepMode,
    Text,
    WaitStates,
)

__all__ = ["BoardFile", "CoreFile"]

_PAGE_BYTES = 4096
_MAX_CYCLES = 10_000  # of one wait; keeps what a basic block costs far within 32 bits


class CoreFile(Schema):
    """A file of ``profiles/cores``."""

    name: Name
    title: Text
    architecture: Text
    unicorn_model: Text
    mcpu: Mcpu
    fpu: Fpu
    dsp: bool
    accuracy: AccuracyStatement
    not_modelled: tuple[Text, ...] = ()
    pipeline: dict[Name, Quantity]
    branch: dict[Name, Quantity]
    sources: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if both := sorted(self.pipeline.keys() & self.branch.keys()):
            raise ValueError(f"{', '.join(both)} stands in both [pipeline] and [branch]")
        return self


class _WaitStatesFile(Schema):
    min_supply_v: Quantity
    limits_hz: tuple[Quantity, ...]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        _expect_unit("min_supply_v", self.min_supply_v, "V")
        for limit in self.limits_hz:
            _expect_unit("limits_hz", limit, "Hz")
        limits = [limit.integer for limit in self.limits_hz]
        if not limits or limits != sorted(set(limits)):
            raise ValueError(f"limits_hz is {limits}; expected at least one, each above the last")
        return self

    def wait_states(self) -> WaitStates:
        return WaitStates(self.min_supply_v, self.limits_hz)


class _MemoryFile(Schema):
    kind: MemoryKind
    base: Quantity
    size_bytes: Quantity
    aliases: tuple[Quantity, ...] = ()
    executable: bool
    fetch_line_bytes: Quantity | None = None
    fetch_wait_cycles: Quantity | None = None
    read_wait_cycles: Quantity
    write_wait_cycles: Quantity | None = None
    read_after_write_cycles: Quantity | None = None
    miss_cycles: Quantity | None = None
    miss_rest_cycles: Quantity | None = None
    data_banks: Quantity | None = None
    wait_states: tuple[_WaitStatesFile, ...] = ()
    cycles_per_wait_state: Quantity | None = None
    rest_cycles_per_wait_state: Quantity | None = None
    own_clock: Quantity | None = None
    note: str = ""

    @field_validator(
        "base",
        "aliases",
        "size_bytes",
        "fetch_line_bytes",
        "fetch_wait_cycles",
        "read_wait_cycles",
        "write_wait_cycles",
        "read_after_write_cycles",
        "miss_cycles",
        "miss_rest_cycles",
        "data_banks",
        "cycles_per_wait_state",
        "rest_cycles_per_wait_state",
    )
    @classmethod
    def _whole(
        cls, value: Quantity | tuple[Quantity, ...] | None
    ) -> Quantity | tuple[Quantity, ...] | None:
        quantities = value if isinstance(value, tuple) else (value,)
        for quantity in quantities:
            if quantity is not None and (type(quantity.value) is not int or quantity.value < 0):
                raise ValueError(f"expected a whole number of at least 0, found {quantity.value!r}")
        return value

    @model_validator(mode="after")
    def _accesses(self) -> Self:
        fetch = (self.fetch_line_bytes, self.fetch_wait_cycles)
        if any((quantity is None) == self.executable for quantity in fetch):
            raise ValueError(
                "fetch_line_bytes and fetch_wait_cycles belong to every executable memory, and to "
                "no other"
            )
        if (self.kind == "flash") == (self.write_wait_cycles is not None):
            raise ValueError(
                "write_wait_cycles belongs to every memory that can be written, and not to flash"
            )
        if (self.miss_cycles is None) != (self.miss_rest_cycles is None):
            raise ValueError("miss_cycles and miss_rest_cycles belong together")
        for name in (
            "fetch_wait_cycles",
            "read_wait_cycles",
            "write_wait_cycles",
            "read_after_write_cycles",
            "miss_cycles",
            "miss_rest_cycles",
            "cycles_per_wait_state",
            "rest_cycles_per_wait_state",
        ):
            quantity: Quantity | None = getattr(self, name)
            if quantity is not None:
                _expect_unit(name, quantity, "cycle")
                if quantity.integer > _MAX_CYCLES:
                    raise ValueError(f"{name} is {quantity.value}; expected at most {_MAX_CYCLES}")
        return self

    @model_validator(mode="after")
    def _clocks(self) -> Self:
        if bool(self.wait_states) != (self.cycles_per_wait_state is not None):
            raise ValueError("wait_states and cycles_per_wait_state belong together")
        if self.own_clock is not None:
            _expect_flag("own_clock", self.own_clock)
            if self.own_clock.value and self.wait_states:
                raise ValueError("a memory on its own clock has no wait_states by the CPU's")
        supplies = [float(table.min_supply_v.value) for table in self.wait_states]
        if len(set(supplies)) != len(supplies):
            raise ValueError(f"two wait_states tables have one min_supply_v, among {supplies}")
        return self

    @model_validator(mode="after")
    def _geometry(self) -> Self:
        line = 4 if self.fetch_line_bytes is None else self.fetch_line_bytes.integer
        if line < 4 or line & (line - 1):
            raise ValueError(f"fetch_line_bytes is {line}; expected a power of two from 4 on")
        size = self.size_bytes.integer
        for base in (self.base, *self.aliases):
            if size == 0 or base.integer + size > 1 << 32:
                raise ValueError(f"{size} bytes at {base.integer:#010x} are no 32-bit region")
            if base.integer % line:
                raise ValueError(f"base {base.integer:#010x} is not aligned to fetch_line_bytes")
            if base.integer % _PAGE_BYTES:
                raise ValueError(
                    f"base {base.integer:#010x} is not a multiple of {_PAGE_BYTES}, the "
                    "granularity of simulated memory; start the memory at one"
                )
        return self

    def memory(self, name: str) -> Memory:
        return Memory(
            name=name,
            kind=self.kind,
            base=self.base.integer,
            size_bytes=self.size_bytes.integer,
            aliases=tuple(alias.integer for alias in self.aliases),
            executable=self.executable,
            writable=self.kind != "flash",
            fetch_line_bytes=self.fetch_line_bytes.integer if self.fetch_line_bytes else 4,
            fetch_wait_cycles=self.fetch_wait_cycles,
            read_wait_cycles=self.read_wait_cycles,
            write_wait_cycles=self.write_wait_cycles,
            read_after_write_cycles=self.read_after_write_cycles,
            miss_cycles=self.miss_cycles,
            miss_rest_cycles=self.miss_rest_cycles,
            data_banks=self.data_banks.integer if self.data_banks else 1,
            wait_states=tuple(table.wait_states() for table in self.wait_states),
            cycles_per_wait_state=self.cycles_per_wait_state,
            rest_cycles_per_wait_state=self.rest_cycles_per_wait_state,
            own_clock=self.own_clock is not None and bool(self.own_clock.value),
            note=self.note,
            quantities=self._quantities(),
        )

    def _quantities(self) -> dict[str, Quantity]:
        named: list[tuple[str, Quantity | None]] = [
            ("base", self.base),
            ("size_bytes", self.size_bytes),
            *((f"aliases.{index}", alias) for index, alias in enumerate(self.aliases)),
            ("fetch_line_bytes", self.fetch_line_bytes),
            ("fetch_wait_cycles", self.fetch_wait_cycles),
            ("read_wait_cycles", self.read_wait_cycles),
            ("write_wait_cycles", self.write_wait_cycles),
            ("read_after_write_cycles", self.read_after_write_cycles),
            ("miss_cycles", self.miss_cycles),
            ("miss_rest_cycles", self.miss_rest_cycles),
            ("data_banks", self.data_banks),
            ("cycles_per_wait_state", self.cycles_per_wait_state),
            ("rest_cycles_per_wait_state", self.rest_cycles_per_wait_state),
            ("own_clock", self.own_clock),
        ]
        for index, table in enumerate(self.wait_states):
            named.append((f"wait_states.{index}.min_supply_v", table.min_supply_v))
            named += [
                (f"wait_states.{index}.limits_hz.{states}", limit)
                for states, limit in enumerate(table.limits_hz)
            ]
        return {name: quantity for name, quantity in named if quantity is not None}


class _CacheFile(Schema):
    serves: CacheServes
    memories: tuple[Name, ...]
    policy: CachePolicy
    writes: CacheWrites
    line_bytes: Quantity
    lines: Quantity
    ways: Quantity
    prefetch: Quantity
    data_banks: Quantity | None = None
    reads_ahead: Quantity | None = None
    at_reset: Quantity
    usual: Quantity
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, unit in (("line_bytes", "byte"), ("lines", "line"), ("ways", "way")):
            quantity: Quantity = getattr(self, name)
            _expect_unit(name, quantity, unit)
            if quantity.integer < 1:
                raise ValueError(f"{name} is {quantity.value}; expected at least 1")
        for name in ("prefetch", "reads_ahead", "at_reset", "usual"):
            if getattr(self, name) is not None:
                _expect_flag(name, getattr(self, name))
        if not self.memories or len(set(self.memories)) != len(self.memories):
            raise ValueError("memories names each memory once, and at least one")
        if self.serves == "fetch" and self.writes != "none":
            raise ValueError(f"a cache of fetches is never written; writes is {self.writes!r}")
        if self.data_banks is not None:
            _expect_unit("data_banks", self.data_banks, "bank")
        line, lines, ways = (q.integer for q in (self.line_bytes, self.lines, self.ways))
        if line < 4 or line & (line - 1):
            raise ValueError(f"line_bytes is {line}; expected a power of two from 4 on")
        sets, rest = divmod(lines, ways)
        if rest or sets & (sets - 1) or not sets:
            raise ValueError(
                f"{lines} lines in {ways} ways; expected a number of sets that is a power of two"
            )
        return self

    def cache(self, name: str) -> Cache:
        flags = ("prefetch", "reads_ahead", "at_reset", "usual")
        names = ("line_bytes", "lines", "ways", "data_banks", *flags)
        stated = {name: getattr(self, name) for name in names}
        return Cache(
            name=name,
            serves=self.serves,
            memories=self.memories,
            policy=self.policy,
            writes=self.writes,
            line_bytes=self.line_bytes.integer,
            lines=self.lines.integer,
            ways=self.ways.integer,
            prefetch=bool(self.prefetch.value),
            data_banks=self.data_banks.integer if self.data_banks else 1,
            reads_ahead=self.reads_ahead is None or bool(self.reads_ahead.value),
            at_reset=bool(self.at_reset.value),
            usual=bool(self.usual.value),
            note=self.note,
            quantities={name: quantity for name, quantity in stated.items() if quantity},
        )


class _RunFile(Schema):
    code: tuple[Name, ...]
    clock_hz: Quantity
    current_ma: Quantity

    @model_validator(mode="after")
    def _units(self) -> Self:
        _expect_positive("clock_hz", self.clock_hz, "Hz")
        _expect_positive("current_ma", self.current_ma, "mA")
        return self

    def row(self) -> RunCurrent:
        return RunCurrent(self.code, self.clock_hz, self.current_ma)


class _ModeFile(Schema):
    current_ua: Quantity
    clock_hz: Quantity | None = None

    @model_validator(mode="after")
    def _units(self) -> Self:
        _expect_positive("current_ua", self.current_ua, "uA")
        if self.clock_hz is not None:
            _expect_positive("clock_hz", self.clock_hz, "Hz")
        return self

    def mode(self, name: str) -> SleepMode:
        return SleepMode(name, self.current_ua, self.clock_hz)


class _ElectricalFile(Schema):
    supply_v: Quantity
    min_supply_v: Quantity
    max_supply_v: Quantity
    regulator: Regulator
    run: tuple[_RunFile, ...]
    static_ma: Quantity
    waiting_ratio: Quantity | None = None
    instruction_pj: dict[Name, Quantity] = Field(default_factory=dict)
    access_pj: dict[Name, Quantity] = Field(default_factory=dict)
    modes: dict[Name, _ModeFile] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _units(self) -> Self:
        for name in ("supply_v", "min_supply_v", "max_supply_v"):
            _expect_positive(name, getattr(self, name), "V")
        _expect_positive("static_ma", self.static_ma, "mA")
        if self.waiting_ratio is not None:
            _expect_positive("waiting_ratio", self.waiting_ratio, "ratio")
        for table in (self.instruction_pj, self.access_pj):
            for name, weight in table.items():
                _expect_unit(name, weight, "pJ")
        if not self.min_supply_v.value <= self.supply_v.value <= self.max_supply_v.value:
            raise ValueError(
                f"supply_v is {self.supply_v.value} V, outside min_supply_v "
                f"{self.min_supply_v.value} to max_supply_v {self.max_supply_v.value}"
            )
        return self

    @model_validator(mode="after")
    def _rows(self) -> Self:
        clocks: dict[str, list[int]] = {}
        for row in self.run:
            for memory in row.code:
                clocks.setdefault(memory, []).append(row.clock_hz.integer)
        for memory, stated in clocks.items():
            if stated != sorted(set(stated)):
                raise ValueError(f"run for {memory} has clocks {stated}; expected them to rise")
        return self

    def electrical(self) -> Electrical:
        return Electrical(
            supply_v=self.supply_v,
            min_supply_v=self.min_supply_v,
            max_supply_v=self.max_supply_v,
            regulator=self.regulator,
            run=tuple(row.row() for row in self.run),
            static_ma=self.static_ma,
            waiting_ratio=self.waiting_ratio,
            instruction_pj=self.instruction_pj,
            access_pj=self.access_pj,
            modes=tuple(mode.mode(name) for name, mode in self.modes.items()),
        )


class BoardFile(Schema):
    """A file of ``profiles/boards``."""

    name: Name
    title: Text
    core: Text
    fpu: Fpu | None = None
    summary: Text
    not_modelled: tuple[Text, ...] = ()
    clock_hz: Quantity
    min_clock_hz: Quantity | None = None
    max_clock_hz: Quantity | None = None
    memories: dict[Name, _MemoryFile]
    caches: dict[Name, _CacheFile] = Field(default_factory=dict)
    placement: dict[Role, Name]
    electrical: _ElectricalFile | None = None
    sources: dict[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("clock_hz", "min_clock_hz", "max_clock_hz"):
            clock: Quantity | None = getattr(self, name)
            if clock is not None and (clock.unit != "Hz" or type(clock.value) is not int):
                raise ValueError(f"{name} is a whole number of Hz")
        if missing := [role for role in ROLES if role not in self.placement]:
            raise ValueError(f"placement lacks {', '.join(missing)}")
        if len(self.memories) > MAX_MEMORIES:
            raise ValueError(f"{len(self.memories)} memories; expected at most {MAX_MEMORIES}")
        if self.electrical is not None:
            executable = {name for name, memory in self.memories.items() if memory.executable}
            stated = {memory for row in self.electrical.run for memory in row.code}
            if executable != stated:
                raise ValueError(
                    "electrical.run has a current for each executable memory; it differs in "
                    f"{', '.join(sorted(executable ^ stated))}"
                )
            _check_accesses(self.electrical.access_pj, self.memories)
        _refuse_overlap(self.memories)
        _check_caches(self.caches, self.memories)
        _check_number_of_caches(self.caches)
        return self


def _expect_unit(name: str, quantity: Quantity, unit: str) -> None:
    if quantity.unit != unit or isinstance(quantity.value, bool):
        raise ValueError(f"{name} is in {quantity.unit}; expected unit {unit}")


def _expect_positive(name: str, quantity: Quantity, unit: str) -> None:
    if quantity.unit != unit or quantity.interval[0] <= 0:
        raise ValueError(f"{name} is {quantity.value} {quantity.unit}; expected {unit} > 0")


def _check_accesses(weights: Mapping[str, Quantity], memories: Mapping[str, _MemoryFile]) -> None:
    for name in weights:
        memory, _, access = name.rpartition(".")
        if memory not in memories or access not in {"fetch", "read", "write"}:
            raise ValueError(
                f"access_pj.{name}: expected a memory and an access, such as flash.read"
            )


def _expect_flag(name: str, quantity: Quantity) -> None:
    if not isinstance(quantity.value, bool):
        raise ValueError(f"{name} is {quantity.value!r}; expected true or false")


def _check_number_of_caches(caches: Mapping[str, _CacheFile]) -> None:
    """Raise where the caches are more than the simulator has room for."""
    lines = sum(cache.lines.integer for cache in caches.values())
    if len(caches) > MAX_CACHES or lines > MAX_CACHE_LINES:
        raise ValueError(
            f"{len(caches)} caches with {lines} lines; at most {MAX_CACHES} with {MAX_CACHE_LINES} "
            "lines in all can be simulated"
        )


def _check_caches(caches: Mapping[str, _CacheFile], memories: Mapping[str, _MemoryFile]) -> None:
    served: dict[tuple[str, str], str] = {}
    for name, cache in caches.items():
        if name in CACHE_CHOICES:
            raise ValueError(
                f"caches.{name}: {', '.join(CACHE_CHOICES)} stand for choices of caches; give it "
                "another name"
            )
        for memory in cache.memories:
            if memory not in memories:
                raise ValueError(f"caches.{name} serves {memory!r}, which no memory is named")
            if memories[memory].miss_cycles is None:
                raise ValueError(
                    f"caches.{name} serves {memory}, which lacks miss_cycles and miss_rest_cycles"
                )
            if cache.serves == "fetch" and not memories[memory].executable:
                raise ValueError(f"caches.{name} serves fetches from {memory}, which has none")
            for what in ("fetch", "data") if cache.serves == "both" else (cache.serves,):
                other = served.setdefault((memory, what), name)
                if other != name:
                    raise ValueError(f"caches {other} and {name} both serve {what} of {memory}")
    cached = {memory for memory, _ in served}
    for name, table in memories.items():
        if table.miss_cycles is not None and name not in cached:
            raise ValueError(f"memories.{name} has miss_cycles, but no cache serves it")


def _refuse_overlap(memories: Mapping[str, _MemoryFile]) -> None:
    regions = sorted(
        (base.integer, base.integer + memory.size_bytes.integer, name)
        for name, memory in memories.items()
        for base in (memory.base, *memory.aliases)
    )
    for (_, end, name), (start, _, other) in itertools.pairwise(regions):
        if start < end:
            raise ValueError(f"memories {name} and {other} overlap at {start:#010x}")
