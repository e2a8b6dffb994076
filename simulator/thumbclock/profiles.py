"""Profiles of cores and boards: schema, loading, and the placement of program parts in memories.

A profile is data, in ``profiles/cores/*.toml`` and ``profiles/boards/*.toml``. Every number in it
is a `Quantity`: a value with its unit, the tag of its source and the kind of evidence behind it.
The tags are resolved in ``profiles/sources.toml``, or in a ``[sources]`` table of the file itself.
"""

import difflib
import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
    field_validator,
    model_validator,
)

from thumbclock import assets
from thumbclock.errors import UsageError

__all__ = [
    "ROLES",
    "Access",
    "AccuracyStatement",
    "BoardProfile",
    "CoreProfile",
    "Electrical",
    "Evidence",
    "Fpu",
    "Mcpu",
    "MeasuredError",
    "Memory",
    "MemoryKind",
    "Placement",
    "Profile",
    "Quantity",
    "Regulator",
    "Role",
    "load_core",
    "load_profile",
    "parse_placement",
    "profile_names",
]

Evidence = Literal["documented", "measured", "derived", "estimate"]
"""What stands behind a number: a vendor or code text, a measurement, arithmetic, or judgement."""

MemoryKind = Literal["flash", "sram", "tcm"]
"""What a memory is: non-volatile, on a bus, or tightly coupled to the core."""

Fpu = Literal["fpv4-sp-d16", "fpv5-sp-d16", "fpv5-d16", "none"]
"""A floating-point unit by the name that compilers give it; ``none`` where there is none."""

Regulator = Literal["ldo", "smps"]
"""How the core voltage is made: with an LDO the current is fixed, with an SMPS the power is."""

Access = Literal["fetch", "read", "write"]
"""What the core does with a memory."""

Role = Literal["code", "constants", "weights", "data", "stack"]
"""A part of a program that can be placed in a memory of its own."""

ROLES: tuple[Role, ...] = get_args(Role)
_WRITTEN_ROLES: frozenset[Role] = frozenset({"data", "stack"})

_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
_Text = Annotated[str, Field(min_length=1)]
_Number = StrictBool | StrictInt | StrictFloat


class _Schema(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Quantity(_Schema):
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
    unit: _Text
    source: _Text
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
        fetch_wait_cycles: CPU cycles of stall when fetch enters a new line; None where nothing
            can be fetched.
        read_wait_cycles: CPU cycles of stall per data load, beyond those of the pipeline.
        write_wait_cycles: The same per data store; None where nothing can be stored.
        data_banks: 32-bit banks that can serve a load each in the same cycle.
        note: Which state of caches or accelerators the waits stand for.
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
    data_banks: int
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
class Electrical:
    """What a board draws when it runs at its profile's clock.

    Attributes:
        supply_v: Supply voltage.
        regulator: How the core voltage is made.
        run_current_ma: Memory that code runs from -> supply current while running.
    """

    supply_v: Quantity
    regulator: Regulator
    run_current_ma: Mapping[str, Quantity]


@dataclass(frozen=True)
class BoardProfile:
    """A board: its core, clock, memories and electrical figures.

    Attributes:
        name: The board's own name in lower case.
        title: The board and its microcontroller as their maker writes them.
        core: Name of the core profile.
        fpu: The part's floating-point unit where it is not the core profile's.
        clock_hz: CPU clock.
        memories: Its memories, in the order of the file.
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
    memories: tuple[Memory, ...]
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
            f"{self.name} has no memory {name!r}{_did_you_mean(name, names)}; "
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
        for memory in self.memories:
            for name, quantity in memory.quantities.items():
                yield f"memories.{memory.name}.{name}", quantity
        if self.electrical is not None:
            yield "electrical.supply_v", self.electrical.supply_v
            for name, quantity in self.electrical.run_current_ma.items():
                yield f"electrical.run_current_ma.{name}", quantity


class Mcpu(_Schema):
    """A core as the compilers spell it behind ``-mcpu=``."""

    gcc: _Name
    zig: _Name


class MeasuredError(_Schema):
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
    suites: Annotated[tuple[_Text, ...], Field(min_length=1)]
    reports: Annotated[tuple[_Text, ...], Field(min_length=1)]

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


class AccuracyStatement(_Schema):
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
                f"{_did_you_mean(name, known)}; the model of {self.name} needs it: add it with "
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
    def fpu(self) -> Fpu | None:
        """The floating-point unit of this part; None where there is none."""
        fpu = self.board.fpu or self.core.fpu
        return None if fpu == "none" else fpu


# ---------------------------------------------------------------- the files' schema


class _CoreFile(_Schema):
    name: _Name
    title: _Text
    architecture: _Text
    unicorn_model: _Text
    mcpu: Mcpu
    fpu: Fpu
    dsp: bool
    accuracy: AccuracyStatement
    not_modelled: tuple[_Text, ...] = ()
    pipeline: dict[_Name, Quantity]
    branch: dict[_Name, Quantity]
    sources: dict[str, _Text] = {}

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if both := sorted(self.pipeline.keys() & self.branch.keys()):
            raise ValueError(f"{', '.join(both)} stands in both [pipeline] and [branch]")
        return self


class _MemoryFile(_Schema):
    kind: MemoryKind
    base: Quantity
    size_bytes: Quantity
    aliases: tuple[Quantity, ...] = ()
    executable: bool
    fetch_line_bytes: Quantity | None = None
    fetch_wait_cycles: Quantity | None = None
    read_wait_cycles: Quantity
    write_wait_cycles: Quantity | None = None
    data_banks: Quantity | None = None
    note: str = ""

    @field_validator(
        "base",
        "aliases",
        "size_bytes",
        "fetch_line_bytes",
        "fetch_wait_cycles",
        "read_wait_cycles",
        "write_wait_cycles",
        "data_banks",
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
        for name in ("fetch_wait_cycles", "read_wait_cycles", "write_wait_cycles"):
            quantity: Quantity | None = getattr(self, name)
            if quantity is not None and quantity.unit != "cycle":
                raise ValueError(f"{name} is in {quantity.unit}; expected unit cycle")
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
            data_banks=self.data_banks.integer if self.data_banks else 1,
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
            ("data_banks", self.data_banks),
        ]
        return {name: quantity for name, quantity in named if quantity is not None}


class _ElectricalFile(_Schema):
    supply_v: Quantity
    regulator: Regulator
    run_current_ma: dict[_Name, Quantity]

    @model_validator(mode="after")
    def _units(self) -> Self:
        expected = [("supply_v", self.supply_v, "V")]
        expected += [(f"run_current_ma.{n}", q, "mA") for n, q in self.run_current_ma.items()]
        for name, quantity, unit in expected:
            if quantity.unit != unit or quantity.interval[0] <= 0:
                raise ValueError(f"{name} is {quantity.value} {quantity.unit}; expected {unit} > 0")
        return self

    def electrical(self) -> Electrical:
        return Electrical(self.supply_v, self.regulator, self.run_current_ma)


class _BoardFile(_Schema):
    name: _Name
    title: _Text
    core: _Text
    fpu: Fpu | None = None
    summary: _Text
    not_modelled: tuple[_Text, ...] = ()
    clock_hz: Quantity
    memories: dict[_Name, _MemoryFile]
    placement: dict[Role, _Name]
    electrical: _ElectricalFile | None = None
    sources: dict[str, _Text] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.clock_hz.unit != "Hz" or type(self.clock_hz.value) is not int:
            raise ValueError("clock_hz is a whole number of Hz")
        if missing := [role for role in ROLES if role not in self.placement]:
            raise ValueError(f"placement lacks {', '.join(missing)}")
        if self.electrical is not None:
            executable = {name for name, memory in self.memories.items() if memory.executable}
            stated = set(self.electrical.run_current_ma)
            if executable != stated:
                raise ValueError(
                    "electrical.run_current_ma has one current for each executable memory; it "
                    f"differs in {', '.join(sorted(executable ^ stated))}"
                )
        _refuse_overlap(self.memories)
        return self


def _refuse_overlap(memories: Mapping[str, _MemoryFile]) -> None:
    regions = sorted(
        (base.integer, base.integer + memory.size_bytes.integer, name)
        for name, memory in memories.items()
        for base in (memory.base, *memory.aliases)
    )
    for (_, end, name), (start, _, other) in itertools.pairwise(regions):
        if start < end:
            raise ValueError(f"memories {name} and {other} overlap at {start:#010x}")


# ---------------------------------------------------------------- loading

_File = TypeVar("_File", bound=BaseModel)


def profile_names() -> list[str]:
    """Return the names of the boards that come with thumbclock, sorted."""
    return sorted(path.stem for path in assets.path("profiles", "boards").glob("*.toml"))


def load_profile(name: str | Path) -> Profile:
    """Load a board with its core.

    Args:
        name: A name from `profile_names`, or the path of a board file (``*.toml``).

    Raises:
        UsageError: There is no such profile, or its file is not valid.
    """
    board = _load_board(_find(name, "boards"))
    core = board.path.parent / board.core if board.core.endswith(".toml") else board.core
    return Profile(board=board, core=load_core(core))


def load_core(name: str | Path) -> CoreProfile:
    """Load a core.

    Args:
        name: e.g. ``cortex-m7``, or the path of a core file (``*.toml``).

    Raises:
        UsageError: There is no such core, or its file is not valid.
    """
    path = _find(name, "cores")
    file = _parse(path, _CoreFile)
    core = CoreProfile(
        name=file.name,
        title=file.title,
        architecture=file.architecture,
        unicorn_model=file.unicorn_model,
        mcpu=file.mcpu,
        fpu=None if file.fpu == "none" else file.fpu,
        dsp=file.dsp,
        pipeline=file.pipeline,
        branch=file.branch,
        accuracy=file.accuracy,
        not_modelled=file.not_modelled,
        sources={},
        path=path,
    )
    return replace(core, sources=_resolve(path, file.sources, core.numbers()))


def _load_board(path: Path) -> BoardProfile:
    file = _parse(path, _BoardFile)
    board = BoardProfile(
        name=file.name,
        title=file.title,
        core=file.core,
        fpu=file.fpu,
        clock_hz=file.clock_hz,
        memories=tuple(memory.memory(name) for name, memory in file.memories.items()),
        placement={role: file.placement[role] for role in ROLES},
        electrical=None if file.electrical is None else file.electrical.electrical(),
        summary=file.summary,
        not_modelled=file.not_modelled,
        sources={},
        path=path,
    )
    # A default that cannot be placed is an error of the file, found here and not at first use.
    try:
        parse_placement("", board)
    except UsageError as error:
        raise UsageError(f"{path}: default placement: {error}") from None
    return replace(board, sources=_resolve(path, file.sources, board.numbers()))


def _find(name: str | Path, folder: Literal["boards", "cores"]) -> Path:
    text = str(name)
    if text.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"no profile file at {path}; give a .toml file that exists")
        return path
    known = sorted(path.stem for path in assets.path("profiles", folder).glob("*.toml"))
    if text in known:
        return assets.path("profiles", folder, f"{text}.toml")
    what = "profile" if folder == "boards" else "core"
    raise UsageError(
        f"unknown {what} {text!r}{_did_you_mean(text, known)}; there are {', '.join(known)}, "
        "or give the path of a .toml file"
    )


def _parse(path: Path, schema: type[_File]) -> _File:
    document = _read_toml(path)
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        raise UsageError(_explain(path, error)) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: byte {error.start} ({error.reason})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _explain(path: Path, error: ValidationError) -> str:
    lines = [f"{path} is not a valid profile:"]
    for problem in error.errors(include_url=False):
        message = problem["msg"].removeprefix("Value error, ")
        where = ".".join(
            str(part) for part in problem["loc"] if part not in {"bool", "int", "float"}
        )
        line = f"  {where}: {message}" if where else f"  {message}"
        if line not in lines:
            lines.append(line)
    return "\n".join(lines)


def _resolve(
    path: Path, own: Mapping[str, str], numbers: Iterable[tuple[str, Quantity]]
) -> dict[str, str]:
    """Return the citations of the tags that numbers use, or raise where one has none."""
    shared = _read_toml(assets.path("profiles", "sources.toml"))
    if twice := sorted(shared.keys() & own.keys()):
        raise UsageError(
            f"{path}: [sources] redefines {', '.join(twice)} of profiles/sources.toml; use other "
            "tags"
        )
    known = {**shared, **own}
    used: dict[str, str] = {}
    for name, quantity in numbers:
        for tag in quantity.tags:
            if tag not in known:
                raise UsageError(
                    f"{path}: {name} cites {tag!r}{_did_you_mean(tag, list(known))}, which no "
                    "source has; add it to [sources]"
                )
            used[tag] = known[tag]
    return used


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
                f"placement {pair!r} names no role{_did_you_mean(role, ROLES)}; the roles are "
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


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
