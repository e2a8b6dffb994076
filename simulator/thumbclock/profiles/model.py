"""What a profile holds: numbers with their sources, memories, caches, boards, cores, placements."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    model_validator,
)

from thumbclock.errors import UsageError

__all__ = [
    "CACHE_CHOICES",
    "MAX_CACHES",
    "MAX_CACHE_LINES",
    "MAX_MEMORIES",
    "ROLES",
    "Access",
    "AccuracyStatement",
    "BoardProfile",
    "Cache",
    "CachePolicy",
    "CacheServes",
    "CacheWrites",
    "CoreProfile",
    "Electrical",
    "Evidence",
    "Fpu",
    "Mcpu",
    "MeasuredError",
    "Memory",
    "MemoryKind",
    "Name",
    "Placement",
    "Profile",
    "Quantity",
    "Regulator",
    "Role",
    "RunCurrent",
    "Schema",
    "SleepMode",
    "Text",
    "WaitStates",
    "did_you_mean",
    "parse_placement",
]

Evidence = Literal["documented", "measured", "derived", "estimate"]
"""What stands behind a number: a vendor or code text, a measurement, arithmetic, or judgement."""

MemoryKind = Literal["flash", "sram", "tcm"]
"""What a memory is: non-volatile, on a bus, or tightly coupled to the core."""

Fpu = Literal["fpv4-sp-d16", "fpv5-sp-d16", "fpv5-d16", "none"]
"""A floating-point unit by the name that compilers give it; ``none`` where there is none."""

Regulator = Literal["ldo", "smps"]
"""How the core voltage is made: with an LDO the current is fixed, with an SMPS the power is."""

CacheServes = Literal["fetch", "data", "both"]
"""What passes through a cache: instruction fetches, data accesses, or all of them."""

CachePolicy = Literal["lru", "round_robin", "random"]
"""Which line of a set is replaced; ``random`` is pseudo-random with a fixed seed."""

CacheWrites = Literal["none", "through", "back"]
"""What a store does: a cache that is read only; write-through without allocation; write-back with
allocation."""

Access = Literal["fetch", "read", "write"]
"""What the core does with a memory."""

Role = Literal["code", "constants", "weights", "data", "stack"]
"""A part of a program that can be placed in a memory of its own."""

CACHE_CHOICES = ("usual", "reset", "on", "off")
"""Texts that choose caches by their state; no cache has one of them as its name."""

MAX_CACHES, MAX_CACHE_LINES, MAX_MEMORIES = 4, 1 << 13, 15
"""How much the tables of the simulator have room for: on a board, in all its caches, on a board."""

ROLES: tuple[Role, ...] = get_args(Role)
_WRITTEN_ROLES: frozenset[Role] = frozenset({"data", "stack"})

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
"""A name in a profile: lower case, digits, dots, dashes and underscores."""

_Target = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*(\+[a-z0-9_]+)*$")]

Text = Annotated[str, Field(min_length=1)]
"""Text that is not empty."""

_Number = StrictBool | StrictInt | StrictFloat


class Schema(BaseModel):
    """A table of a profile file: immutable, and without fields that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Quantity(Schema):
    """A number with its unit and where it comes from.

    Attributes:
        value: The number; a boolean where a property is there or not.
        unit: Its unit in the singular, e.g. ``cycle``, ``Hz``, ``mA``.
        source: One or more source tags, separated by commas.
        kind: The evidence behind it.
        low: Lower end of the interval in which the true value is expected.
        high: Upper end of that interval.
        note: What a reader needs to judge it; an estimate states its reasoning here.
    """

    value: _Number
    unit: Text
    source: Text
    kind: Evidence
    low: StrictInt | StrictFloat | None = None
    high: StrictInt | StrictFloat | None = None
    note: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "estimate" and not self.note.strip():
            raise ValueError("an estimate needs a note with its reasoning")
        if not all(self.tags):
            raise ValueError(f"source {self.source!r} has an empty tag between its commas")
        if self.low is not None and self.low > self.value:
            raise ValueError(f"low {self.low} is above the value {self.value}")
        if self.high is not None and self.high < self.value:
            raise ValueError(f"high {self.high} is below the value {self.value}")
        return self

    @property
    def tags(self) -> tuple[str, ...]:
        """The source tags, one by one."""
        return tuple(tag.strip() for tag in self.source.split(","))

    @property
    def integer(self) -> int:
        """The value as a whole number.

        Raises:
            UsageError: The value is a fraction or a boolean.
        """
        if isinstance(self.value, bool) or not float(self.value).is_integer():
            raise UsageError(
                f"profile value {self.value!r} {self.unit} (source {self.source}) was used as a "
                "whole number; write one in the profile"
            )
        return int(self.value)

    @property
    def interval(self) -> tuple[float, float, float]:
        """Low, value and high; an end that is not stated equals the value."""
        value = float(self.value)
        low = value if self.low is None else float(self.low)
        high = value if self.high is None else float(self.high)
        return low, value, high


@dataclass(frozen=True)
class WaitStates:
    """How many wait states a memory needs, by CPU clock, from a supply on.

    Attributes:
        min_supply_v: Lowest supply for which the limits hold.
        limits_hz: Highest CPU clock for 0, 1, 2 ... wait states.
    """

    min_supply_v: Quantity
    limits_hz: tuple[Quantity, ...]


@dataclass(frozen=True)
class Memory:
    """A memory of a board, as the core sees it at the profile's clock.

    Attributes:
        name: The name that placements use, e.g. ``dtcm``.
        kind: Flash, SRAM on a bus, or tightly coupled memory.
        base: First address.
        size_bytes: Size in bytes.
        aliases: Other first addresses at which the same storage appears, with the same timing.
        executable: Whether instructions can be fetched from it.
        writable: Whether a store changes it; false for flash.
        fetch_line_bytes: Bytes that one fetch from this memory brings, aligned to as many.
        fetch_wait_cycles: CPU cycles of stall when fetch enters a new line and no cache serves it;
            None where nothing can be fetched.
        read_wait_cycles: CPU cycles of stall per data load that no cache serves, beyond those of
            the pipeline.
        write_wait_cycles: The same per data store; None where nothing can be stored.
        read_after_write_cycles: CPU cycles that a load waits where it comes directly behind a
            store, beyond those of the pipeline; None where it does not.
        miss_cycles: CPU cycles of stall from a miss in a cache in front of this memory until the
            word asked for is there, beyond those of a hit; None where no cache is.
        miss_rest_cycles: CPU cycles from then on until the whole line is there; the next miss to
            this memory waits for them.
        data_banks: 32-bit banks that can serve a load each in the same cycle.
        wait_states: Wait states by clock and supply; none where they do not depend on either.
        cycles_per_wait_state: CPU cycles that a wait state adds to a fetch, read or miss.
        rest_cycles_per_wait_state: CPU cycles that a wait state adds to `miss_rest_cycles`, where
            a line takes more than one access to the memory.
        own_clock: Whether the memory keeps its own clock when the CPU's changes, so that its waits
            take the same time and other CPU cycles.
        note: What a reader needs to know of these waits.
        quantities: The numbers above with their units and sources.
    """

    name: str
    kind: MemoryKind
    base: int
    size_bytes: int
    aliases: tuple[int, ...]
    executable: bool
    writable: bool
    fetch_line_bytes: int
    fetch_wait_cycles: Quantity | None
    read_wait_cycles: Quantity
    write_wait_cycles: Quantity | None
    read_after_write_cycles: Quantity | None
    miss_cycles: Quantity | None
    miss_rest_cycles: Quantity | None
    data_banks: int
    wait_states: tuple[WaitStates, ...]
    cycles_per_wait_state: Quantity | None
    rest_cycles_per_wait_state: Quantity | None
    own_clock: bool
    note: str
    quantities: Mapping[str, Quantity] = field(compare=False, repr=False)

    @property
    def end(self) -> int:
        """The first address behind the memory, counted from `base`."""
        return self.base + self.size_bytes

    @property
    def bases(self) -> tuple[int, ...]:
        """Every first address: `base`, then the aliases."""
        return (self.base, *self.aliases)

    def __contains__(self, address: int) -> bool:
        return any(base <= address < base + self.size_bytes for base in self.bases)

    def wait_cycles(self, access: Access) -> int:
        """Return the CPU cycles of stall of an access.

        Raises:
            UsageError: The memory does not allow the access.
        """
        waits = {
            "fetch": self.fetch_wait_cycles,
            "read": self.read_wait_cycles,
            "write": self.write_wait_cycles,
        }
        quantity = waits[access]
        if quantity is None:
            able = ", ".join(name for name, wait in waits.items() if wait is not None)
            raise UsageError(f"{self.name} does not allow {access}; it allows {able}")
        return quantity.integer


@dataclass(frozen=True)
class Cache:
    """A cache, flash accelerator or prefetch buffer between the core and some of its memories.

    Attributes:
        name: The name that options use, e.g. ``icache``.
        serves: Whether fetches, data accesses or both pass through it.
        memories: Names of the memories whose accesses it serves.
        policy: Which line of a set is replaced.
        writes: What a store does.
        line_bytes: Bytes of a line.
        lines: Lines in all.
        ways: Lines of a set; as many as `lines` where it is fully associative.
        prefetch: Whether the line behind the one that is fetched from is fetched ahead.
        data_banks: 32-bit banks of its lines that can serve a load each in the same cycle.
        reads_ahead: Whether lines are asked for as early as the core's own prefetch unit wants
            them, rather than when their first instruction issues.
        at_reset: Whether it is enabled after reset.
        usual: Whether the usual start-up code of the board enables it.
        note: What a reader needs to judge it.
        quantities: The numbers above with their units and sources.
    """

    name: str
    serves: CacheServes
    memories: tuple[str, ...]
    policy: CachePolicy
    writes: CacheWrites
    line_bytes: int
    lines: int
    ways: int
    prefetch: bool
    data_banks: int
    reads_ahead: bool
    at_reset: bool
    usual: bool
    note: str
    quantities: Mapping[str, Quantity] = field(compare=False, repr=False)

    @property
    def sets(self) -> int:
        """Number of sets; 1 where it is fully associative."""
        return self.lines // self.ways

    @property
    def size_bytes(self) -> int:
        """Bytes that it holds."""
        return self.lines * self.line_bytes


@dataclass(frozen=True)
class Placement:
    """Which memory holds which part of a program."""

    code: Memory
    constants: Memory
    weights: Memory
    data: Memory
    stack: Memory

    def __getitem__(self, role: Role) -> Memory:
        memory: Memory = getattr(self, role)
        return memory

    def items(self) -> Iterator[tuple[Role, Memory]]:
        """Yield each role with its memory, in the order of `ROLES`."""
        for role in ROLES:
            yield role, self[role]

    def names(self) -> dict[str, str]:
        """Return role -> memory name, as results record it."""
        return {role: memory.name for role, memory in self.items()}

    def __str__(self) -> str:
        return ",".join(f"{role}={memory.name}" for role, memory in self.items())


@dataclass(frozen=True)
class RunCurrent:
    """The supply current of running code from some memories, at one clock.

    Attributes:
        code: Names of the memories that code runs from.
        clock_hz: CPU clock.
        current_ma: Supply current while instructions execute, with the usual caches and at the
            core voltage that the clock needs.
    """

    code: tuple[str, ...]
    clock_hz: Quantity
    current_ma: Quantity


@dataclass(frozen=True)
class SleepMode:
    """A mode without execution.

    Attributes:
        name: e.g. ``stop2``.
        current_ua: Supply current.
        clock_hz: The CPU clock before the mode at which that current holds; None where the mode
            stops the clocks, so that the current depends on none.
    """

    name: str
    current_ua: Quantity
    clock_hz: Quantity | None


@dataclass(frozen=True)
class Electrical:
    """What a board draws from its supply.

    Attributes:
        supply_v: Supply voltage, at which the currents hold.
        min_supply_v: Lowest supply that can be chosen.
        max_supply_v: Highest supply that can be chosen.
        regulator: How the core voltage is made.
        run: Currents while running, by code memory and clock.
        static_ma: The part of a run current that does not depend on the clock.
        waiting_ratio: Current of a cycle that waits for memory over that of one that executes;
            None where no difference is known.
        instruction_pj: Instruction class -> energy of such an instruction beyond that of the
            average one, which the run current holds already.
        access_pj: ``MEMORY.fetch``, ``.read`` or ``.write`` -> energy of such an access beyond what
            the run current holds already.
        modes: Modes without execution.
    """

    supply_v: Quantity
    min_supply_v: Quantity
    max_supply_v: Quantity
    regulator: Regulator
    run: tuple[RunCurrent, ...]
    static_ma: Quantity
    waiting_ratio: Quantity | None
    instruction_pj: Mapping[str, Quantity]
    access_pj: Mapping[str, Quantity]
    modes: tuple[SleepMode, ...]

    def numbers(self) -> Iterator[tuple[str, Quantity]]:
        """Yield every number with its dotted name, e.g. ``run.0.current_ma``."""
        yield "supply_v", self.supply_v
        yield "min_supply_v", self.min_supply_v
        yield "max_supply_v", self.max_supply_v
        yield "static_ma", self.static_ma
        if self.waiting_ratio is not None:
            yield "waiting_ratio", self.waiting_ratio
        for index, row in enumerate(self.run):
            yield f"run.{index}.clock_hz", row.clock_hz
            yield f"run.{index}.current_ma", row.current_ma
        for mode in self.modes:
            yield f"modes.{mode.name}.current_ua", mode.current_ua
            if mode.clock_hz is not None:
                yield f"modes.{mode.name}.clock_hz", mode.clock_hz
        for table, weights in (
            ("instruction_pj", self.instruction_pj),
            ("access_pj", self.access_pj),
        ):
            for name, quantity in weights.items():
                yield f"{table}.{name}", quantity


@dataclass(frozen=True)
class BoardProfile:
    """A board: its core, clock, memories and electrical figures.

    Attributes:
        name: The board's own name in lower case.
        title: The board and its microcontroller as their maker writes them.
        core: Name of the core profile.
        fpu: The part's floating-point unit where it is not the core profile's.
        clock_hz: CPU clock.
        min_clock_hz: Lowest CPU clock that can be chosen; None where it is not limited.
        max_clock_hz: Highest CPU clock that can be chosen; None where wait states limit it, or
            nothing does.
        memories: Its memories, in the order of the file.
        caches: Its caches, flash accelerators and prefetch buffers, in the order of the file.
        enabled_caches: Those of them that are enabled.
        placement: Default placement, role -> memory name.
        electrical: Electrical figures; None where there is no silicon to have any.
        summary: What this profile stands for, in a sentence or two.
        not_modelled: What the board does that this profile does not price.
        sources: Citation of every tag that the board's numbers use.
        path: The file it was read from.
    """

    name: str
    title: str
    core: str
    fpu: Fpu | None
    clock_hz: Quantity
    min_clock_hz: Quantity | None
    max_clock_hz: Quantity | None
    memories: tuple[Memory, ...]
    caches: tuple[Cache, ...]
    enabled_caches: tuple[Cache, ...]
    placement: Mapping[str, str]
    electrical: Electrical | None
    summary: str
    not_modelled: tuple[str, ...]
    sources: Mapping[str, str]
    path: Path

    def memory(self, name: str) -> Memory:
        """Return the memory of that name.

        Raises:
            UsageError: The board has none of that name.
        """
        for memory in self.memories:
            if memory.name == name:
                return memory
        names = [memory.name for memory in self.memories]
        raise UsageError(
            f"{self.name} has no memory {name!r}{did_you_mean(name, names)}; "
            f"it has {', '.join(names)}"
        )

    def memory_at(self, address: int) -> Memory | None:
        """Return the memory that holds an address, at its base or an alias."""
        return next((memory for memory in self.memories if address in memory), None)

    @property
    def default_placement(self) -> Placement:
        """The placement used where the user states none."""
        return parse_placement("", self)

    def numbers(self) -> Iterator[tuple[str, Quantity]]:
        """Yield every number with its dotted name, e.g. ``memories.flash.size_bytes``."""
        yield "clock_hz", self.clock_hz
        for name, limit in (
            ("min_clock_hz", self.min_clock_hz),
            ("max_clock_hz", self.max_clock_hz),
        ):
            if limit is not None:
                yield name, limit
        for memory in self.memories:
            for name, quantity in memory.quantities.items():
                yield f"memories.{memory.name}.{name}", quantity
        for cache in self.caches:
            for name, quantity in cache.quantities.items():
                yield f"caches.{cache.name}.{name}", quantity
        if self.electrical is not None:
            for name, quantity in self.electrical.numbers():
                yield f"electrical.{name}", quantity


class Mcpu(Schema):
    """A core as the compilers spell it behind ``-mcpu=``."""

    gcc: _Target
    zig: _Target


class MeasuredError(Schema):
    """How far estimates for a core lie from cycles measured on silicon.

    Attributes:
        figures: How many measured figures they were held against.
        mean_percent: Mean of the absolute errors.
        worst_percent: The largest absolute error.
        bias_percent: Mean of the signed errors; negative where estimates are too low.
        suites: What was measured.
        reports: Results of ``thumbclock validate`` that show each figure, as paths in this project.
    """

    figures: Quantity
    mean_percent: Quantity
    worst_percent: Quantity
    bias_percent: Quantity
    suites: Annotated[tuple[Text, ...], Field(min_length=1)]
    reports: Annotated[tuple[Text, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _units(self) -> Self:
        for name, quantity in self.quantities().items():
            unit = "figure" if name == "figures" else "%"
            if quantity.unit != unit:
                raise ValueError(f"{name} is in {quantity.unit}; expected unit {unit}")
        return self

    def quantities(self) -> dict[str, Quantity]:
        """Return the numbers by name."""
        return {
            "figures": self.figures,
            "mean_percent": self.mean_percent,
            "worst_percent": self.worst_percent,
            "bias_percent": self.bias_percent,
        }


class AccuracyStatement(Schema):
    """How close estimates for a core come to silicon: not known yet, or measured.

    Attributes:
        status: One phrase in place of figures, for a core that was not validated.
        detail: What it rests on.
        error: The figures, for a core that was.
    """

    status: str = ""
    detail: str = ""
    error: MeasuredError | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.status.strip()) == (self.error is not None):
            raise ValueError("expected a status, or an error table with measured figures, not both")
        return self

    @property
    def phrase(self) -> str:
        """One phrase, which results and tables show."""
        if self.error is None:
            return self.status
        error = self.error
        return (
            f"mean error {error.mean_percent.value} %, worst {error.worst_percent.value} % over "
            f"{error.figures.integer} figures measured on silicon ({', '.join(error.suites)})"
        )


@dataclass(frozen=True)
class CoreProfile:
    """A core: its identity and the numbers of its pipeline and branch predictor.

    Attributes:
        name: e.g. ``cortex-m7``.
        title: e.g. ``Arm Cortex-M7``.
        architecture: e.g. ``Armv7E-M``.
        unicorn_model: The CPU model by its name in Unicorn, e.g. ``cortex-m7``.
        mcpu: Its names for compilers.
        fpu: Its floating-point unit; None where there is none.
        dsp: Whether it has the DSP extension.
        pipeline: Numbers of the pipeline model.
        branch: Numbers of the branch predictor and of refills.
        accuracy: How close estimates come to silicon.
        not_modelled: What the core does that the model does not price.
        sources: Citation of every tag that the core's numbers use.
        path: The file it was read from.
    """

    name: str
    title: str
    architecture: str
    unicorn_model: str
    mcpu: Mcpu
    fpu: Fpu | None
    dsp: bool
    pipeline: Mapping[str, Quantity]
    branch: Mapping[str, Quantity]
    accuracy: AccuracyStatement
    not_modelled: tuple[str, ...]
    sources: Mapping[str, str]
    path: Path

    def number(self, name: str) -> int:
        """Return a whole number of ``[pipeline]`` or ``[branch]``.

        Raises:
            UsageError: There is no such number, or it is not a whole one.
        """
        quantity = self.pipeline.get(name) or self.branch.get(name)
        if quantity is None:
            known = [*self.pipeline, *self.branch]
            raise UsageError(
                f"{self.path} has no number {name!r} in [pipeline] or [branch]"
                f"{did_you_mean(name, known)}; the model of {self.name} needs it: add it with "
                "its unit, source and kind"
            )
        return quantity.integer

    def numbers(self) -> Iterator[tuple[str, Quantity]]:
        """Yield every number with its dotted name, e.g. ``pipeline.load_use_word_cycles``."""
        for table, quantities in (("pipeline", self.pipeline), ("branch", self.branch)):
            for name, quantity in quantities.items():
                yield f"{table}.{name}", quantity
        if self.accuracy.error is not None:
            for name, quantity in self.accuracy.error.quantities().items():
                yield f"accuracy.error.{name}", quantity


@dataclass(frozen=True)
class Profile:
    """A board together with its core: what a program is priced on."""

    board: BoardProfile
    core: CoreProfile

    @property
    def name(self) -> str:
        """The board's name."""
        return self.board.name

    @property
    def clock_hz(self) -> int:
        """CPU clock in hertz."""
        return self.board.clock_hz.integer

    @property
    def supply_v(self) -> float | None:
        """Supply voltage; None where there is no silicon to supply."""
        electrical = self.board.electrical
        return None if electrical is None else float(electrical.supply_v.value)

    @property
    def fpu(self) -> Fpu | None:
        """The floating-point unit of this part; None where there is none."""
        fpu = self.board.fpu or self.core.fpu
        return None if fpu == "none" else fpu


def parse_placement(text: str, board: BoardProfile) -> Placement:
    """Read a placement such as ``code=itcm,weights=flash`` over a board's default.

    Args:
        text: Comma-separated ``role=memory`` pairs; roles that are not named keep the default.
        board: The board whose memories are meant.

    Raises:
        UsageError: A role or memory is unknown, a role is named twice, code is placed where it
            cannot be fetched, or data or stack where it cannot be written.
    """
    chosen: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        role, equals, name = (part.strip() for part in pair.partition("="))
        if not equals or not name:
            raise UsageError(f"placement {pair!r} is not role=memory, such as code=flash")
        if role not in ROLES:
            raise UsageError(
                f"placement {pair!r} names no role{did_you_mean(role, ROLES)}; the roles are "
                f"{', '.join(ROLES)}"
            )
        if role in chosen:
            raise UsageError(f"placement {text!r} names {role} twice; name each role once")
        chosen[role] = name
    memories = {role: board.memory(name) for role, name in {**board.placement, **chosen}.items()}
    placement = Placement(**memories)
    for role, memory in placement.items():
        if role == "code" and not memory.executable:
            able = ", ".join(other.name for other in board.memories if other.executable)
            raise UsageError(
                f"code={memory.name}: {board.name} cannot fetch instructions from {memory.name}; "
                f"place code in {able}"
            )
        if role in _WRITTEN_ROLES and not memory.writable:
            able = ", ".join(other.name for other in board.memories if other.writable)
            raise UsageError(
                f"{role}={memory.name}: {memory.name} cannot be written by a program; place "
                f"{role} in {able}"
            )
    return placement


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return `` (did you mean NAME?)`` where a known name is close, and nothing otherwise."""
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
