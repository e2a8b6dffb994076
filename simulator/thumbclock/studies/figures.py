"""Figures files: cycles that others measured on silicon, and how to measure the same here.

A file is TOML, with a table ``[[row]]`` for each figure, or CSV with a column for each key. What a
row measures is said by `parse_region`; ``reports/validation/README.md`` describes the whole format.
"""

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from thumbclock import assets
from thumbclock.errors import UsageError

__all__ = [
    "Call",
    "Figures",
    "Minus",
    "Region",
    "Row",
    "Span",
    "Tolerance",
    "Word",
    "parse_region",
    "parse_tolerance",
    "read_figures",
]


@dataclass(frozen=True)
class Span:
    """From one place to another.

    Attributes:
        start: Symbol or address that is about to run; None for reset.
        stop: The same, for the first time after the start; None for the program's end.
        nth: Which arrival at the start is meant, from 1.
    """

    start: str | None = None
    stop: str | None = None
    nth: int = 1

    @property
    def places(self) -> tuple[str, ...]:
        """Every symbol or address that must be in the image."""
        return tuple(place for place in (self.start, self.stop) if place is not None)

    def __str__(self) -> str:
        words = [f"from:{self.start}"] if self.start else []
        words += [f"to:{self.stop}"] if self.stop else []
        words += [f"nth:{self.nth}"] if self.nth > 1 else []
        return " ".join(words) or "run"


@dataclass(frozen=True)
class Call:
    """One call of a function, from its first instruction to its return.

    Attributes:
        function: Symbol or address.
        arguments: Integers and symbols.
        nth: Which of as many calls in a row is meant: 1 is cold, later ones are warm.
        after: What is reached from reset before the calls; None for main, where there is one.
    """

    function: str
    arguments: tuple[str, ...] = ()
    nth: int = 1
    after: str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Every symbol or address that must be in the image."""
        symbols = (argument for argument in self.arguments if not _is_integer(argument))
        return (self.function, *symbols, *([self.after] if self.after else []))

    def __str__(self) -> str:
        words = [f"call:{self.function}({','.join(self.arguments)})"]
        words += [f"nth:{self.nth}"] if self.nth > 1 else []
        words += [f"after:{self.after}"] if self.after else []
        return " ".join(words)


@dataclass(frozen=True)
class Word:
    """Cycles that the program counts itself and leaves in a word of memory.

    Attributes:
        symbol: Where the words begin: symbol or address.
        index: Which of them.
        at: Symbol or address; the word is read when it is about to run, or None: at the end.
    """

    symbol: str
    index: int = 0
    at: str | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Every symbol or address that must be in the image."""
        return (self.symbol, *([self.at] if self.at else []))

    def __str__(self) -> str:
        return f"symbol:{self.symbol}[{self.index}]" + (f" at:{self.at}" if self.at else "")


Region: TypeAlias = Span | Call | Word
"""The part of a program that a row measures."""

_WORDS: dict[str, tuple[str, ...]] = {
    "call": ("nth", "after"),
    "symbol": ("at",),
    "from": ("to", "nth"),
    "to": (),
}
_EXPECTED = (
    "expected run, call:FUNCTION(ARGUMENT,...) [nth:N] [after:PLACE], from:PLACE [to:PLACE] "
    "[nth:N], to:PLACE, or symbol:NAME[INDEX] [at:PLACE]"
)
_TOKEN = re.compile(r"(\w+):((?:\([^()]*\)|[^\s()])+)(?=\s|$)")
_CALL = re.compile(r"([^()]+?)(?:\(([^()]*)\))?")
_INDEXED = re.compile(r"([^\[\]]+)(?:\[(\d+)\])?")


def parse_region(text: str) -> Region:
    """Return what a region's words say.

    ``run`` is the whole program; ``call:f(1,table) nth:3`` the third call of f in a row;
    ``from:a to:b`` the cycles between two places, without ``from`` from reset, without ``to`` to
    the end; ``symbol:result[2] at:done`` a word that the program computed itself. A place is a
    symbol or an address.

    Raises:
        ValueError: The text is no region.
    """
    if text.strip() == "run":
        return Span()
    pairs = _TOKEN.findall(text)
    words = dict(pairs)
    head = next(iter(words), "")
    strange = words.keys() - {head, *_WORDS.get(head, ())}
    rest = _TOKEN.sub("", text).strip()
    if head not in _WORDS or rest or strange or len(words) < len(pairs):
        raise ValueError(f"region {text!r}: {_EXPECTED}")
    nth = _count(text, words.get("nth", "1"))
    if head == "call":
        found = _CALL.fullmatch(words["call"])
        if found is None:
            raise ValueError(f"region {text!r}: {_EXPECTED}")
        arguments = tuple(part.strip() for part in (found[2] or "").split(",") if part.strip())
        return Call(found[1], arguments, nth, words.get("after"))
    if head == "symbol":
        found = _INDEXED.fullmatch(words["symbol"])
        if found is None:
            raise ValueError(f"region {text!r}: {_EXPECTED}")
        return Word(found[1], int(found[2] or 0), words.get("at"))
    return Span(words.get("from"), words.get("to"), nth)


def _count(text: str, number: str) -> int:
    if not number.isdecimal() or int(number) == 0:
        raise ValueError(f"region {text!r}: nth:{number}: expected a number from 1 on")
    return int(number)


def _is_integer(text: str) -> bool:
    try:
        int(text, 0)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Tolerance:
    """What a row may be off by: so many percent or so many cycles, whichever allows more."""

    percent: float = 0.0
    cycles: float = 0.0

    def allows(self, estimated_cycles: float, measured_cycles: float) -> bool:
        """Return whether an estimate is within it."""
        allowed = max(self.cycles, self.percent / 100 * measured_cycles)
        return abs(estimated_cycles - measured_cycles) <= allowed

    def __str__(self) -> str:
        parts = [f"{self.percent:g} %"] if self.percent else []
        parts += [f"{self.cycles:g} cycles"] if self.cycles else []
        return " or ".join(parts) or "0 cycles"


_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(%|cycles?)")


def parse_tolerance(text: str) -> Tolerance:
    """Read ``4 %``, ``6 cycles`` or ``4 % or 6 cycles``.

    Raises:
        ValueError: The text is none of these.
    """
    allowed: dict[str, float] = {}
    for part in text.split(" or "):
        found = _PART.fullmatch(part.strip())
        unit = "" if found is None else "percent" if found[2] == "%" else "cycles"
        if found is None or unit in allowed:
            raise ValueError(
                f"tolerance {text!r}: expected e.g. '4 %', '6 cycles' or '4 % or 6 cycles'"
            )
        allowed[unit] = float(found[1])
    return Tolerance(**allowed)


def _region(value: object) -> object:
    """Turn a table into the words that it stands for, and those into a region."""
    if isinstance(value, Mapping):
        words = dict(value)
        arguments = words.pop("arguments", None)
        if arguments is not None:
            if not isinstance(arguments, list) or "call" not in words:
                raise ValueError("arguments: expected a list, beside call")
            words["call"] = f"{words['call']}({','.join(map(str, arguments))})"
        value = " ".join(f"{name}:{word}" for name, word in words.items())
    if isinstance(value, Span | Call | Word):
        return value
    return parse_region(str(value))


def _settings(value: object) -> object:
    """Turn ``a=1, b=2`` into a table."""
    if not isinstance(value, str):
        return value
    settings: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        symbol, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals or not symbol or not _is_integer(number) or symbol in settings:
            raise ValueError(f"{part!r}: expected SYMBOL=INTEGER, each symbol once")
        settings[symbol] = int(number, 0)
    return settings


_Text = Annotated[str, Field(min_length=1)]
_Integer = Annotated[int, Field(ge=-(1 << 31), lt=1 << 32)]
_Settings = Annotated[dict[_Text, _Integer], BeforeValidator(_settings)]


class _Schema(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Minus(_Schema):
    """What a marginal cost is held against: the same region with other words set.

    Attributes:
        image: Another image, relative to the file; None for the row's own.
        set: Symbol -> word, in place of the row's.
    """

    image: _Text | None = None
    set: _Settings = {}


class Row(_Schema):
    """A figure measured on silicon, and how to measure the same here.

    Attributes:
        image: ELF, Intel HEX or raw image, relative to the file.
        profile: Board profile, by name or path relative to the file.
        region: What is measured.
        measured: Cycles that silicon took, for one of ``per``.
        source: Source tag, or a citation in words.
        name: Name of the row; by default the image's and the region.
        group: What its error is counted with; by default the profile's core.
        tolerance: What it may be off by.
        note: What a reader needs to judge it.
        set: Symbol -> word that is put there when main is reached, or at reset without a main.
        minus: A second measurement that is subtracted.
        per: What the cycles are divided by, e.g. the iterations between the two.
        caches: State of the caches, where it is not the profile's.
        clock_hz: CPU clock, where it is not the profile's.
        supply_v: Supply voltage, where it is not the profile's.
    """

    image: _Text
    profile: _Text
    region: Annotated[Span | Call | Word, BeforeValidator(_region)]
    measured: Annotated[float, Field(gt=0)]
    source: _Text
    name: str = ""
    group: str = ""
    tolerance: Tolerance | None = None
    note: str = ""
    set: _Settings = {}
    minus: Minus | None = None
    per: Annotated[float, Field(gt=0)] = 1.0
    caches: str | None = None
    clock_hz: Annotated[int, Field(gt=0)] | None = None
    supply_v: Annotated[float, Field(gt=0)] | None = None

    @field_validator("tolerance", mode="before")
    @classmethod
    def _read_tolerance(cls, value: object) -> object:
        return value if value is None else parse_tolerance(str(value))

    @model_validator(mode="after")
    def _minus_differs(self) -> Self:
        minus = self.minus
        if minus is not None and minus.image is None and minus.set == self.set:
            raise ValueError("minus: expected another image, or other values to set")
        return self

    @property
    def label(self) -> str:
        """The row's name, or what stands for it."""
        stem = Path(self.image).stem
        return self.name or (stem if str(self.region) == "run" else f"{stem} {self.region}")

    @property
    def measurement(self) -> str:
        """All that says what is measured, in one line."""
        parts = [str(self.region)]
        parts += [f"set:{_joined(self.set)}"] if self.set else []
        if self.minus is not None:
            parts += [f"minus:{self.minus.image or _joined(self.minus.set)}"]
            parts += (
                [f"set:{_joined(self.minus.set)}"] if self.minus.image and self.minus.set else []
            )
        parts += [f"per:{self.per:g}"] if self.per != 1 else []
        return " ".join(parts)


def _joined(settings: Mapping[str, int]) -> str:
    return ",".join(f"{symbol}={value}" for symbol, value in settings.items())


@dataclass(frozen=True)
class Figures:
    """A figures file.

    Attributes:
        path: The file.
        title: What was measured, for a reader.
        suite: The program or benchmark, in a word.
        rows: Its rows.
        places: Where each row stands in the file, for messages.
        sources: Citation of each tag that the rows use.
        images: Folder that image paths are relative to.
    """

    path: Path
    title: str
    suite: str
    rows: tuple[Row, ...]
    places: tuple[str, ...]
    sources: Mapping[str, str]
    images: Path

    def error(self, index: int, problem: str) -> UsageError:
        """Return an error in a row, with its place in the file."""
        return UsageError(
            f"{self.path}: {self.places[index]} ({self.rows[index].label}): {problem}"
        )


class _File(_Schema):
    title: str = ""
    suite: str = ""
    sources: dict[str, _Text] = {}
    defaults: dict[str, Any] = {}
    row: Annotated[list[dict[str, Any]], Field(default_factory=list)]


def read_figures(path: Path, images: Path | None = None) -> Figures:
    """Read a figures file.

    Args:
        path: ``*.toml`` or ``*.csv``.
        images: Folder of the images; by default that of the file.

    Raises:
        UsageError: The file cannot be read or is not valid: file, row, and what was expected.
    """
    if path.suffix.lower() not in (".toml", ".csv"):
        raise UsageError(f"{path}: expected figures in a file that ends in .toml or .csv")
    if images is not None and not images.is_dir():
        raise UsageError(f"--images {images}: there is no such folder")
    text = _read_text(path)
    file, places = (
        _from_toml(path, text) if path.suffix.lower() == ".toml" else _from_csv(path, text)
    )
    if not file.row:
        raise UsageError(f"{path} has no rows; expected one for each figure")
    rows = tuple(
        _row(path, place, {**file.defaults, **entries})
        for place, entries in zip(places, file.row, strict=True)
    )
    title = file.title or path.stem
    figures = Figures(
        path=path,
        title=title,
        suite=file.suite or title,
        rows=rows,
        places=tuple(places),
        sources=_cited(path, rows, file.sources),
        images=images if images is not None else path.parent,
    )
    _refuse_duplicates(figures)
    return figures


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: byte {error.start} ({error.reason})") from None


def _from_toml(path: Path, text: str) -> tuple[_File, list[str]]:
    try:
        document = tomllib.loads(text)
        file = _File.model_validate(document)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {_first_problem(error, _File)}") from None
    return file, [f"row {number}" for number in range(1, len(file.row) + 1)]


def _from_csv(path: Path, text: str) -> tuple[_File, list[str]]:
    reader = csv.DictReader(io.StringIO(text), strict=True, skipinitialspace=True)
    rows: list[dict[str, Any]] = []
    places: list[str] = []
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        reader.fieldnames = columns
        if missing := [name for name in _REQUIRED if name not in columns]:
            raise UsageError(
                f"{path}: line 1 has no column {', '.join(missing)}; expected "
                f"{', '.join(_REQUIRED)} and perhaps {', '.join(_OPTIONAL_COLUMNS)}"
            )
        for entries in reader:
            place = f"line {reader.line_num}"
            if None in entries or None in entries.values():
                raise UsageError(f"{path}: {place}: expected {len(columns)} cells, as in line 1")
            rows.append(_nested({name: cell.strip() for name, cell in entries.items()}))
            places.append(place)
    except csv.Error as error:
        raise UsageError(f"{path}: line {reader.line_num} is not valid CSV: {error}") from None
    return _File(row=rows), places


_REQUIRED = ("image", "profile", "region", "measured", "source")
_OPTIONAL = tuple(name for name in Row.model_fields if name not in _REQUIRED)
_OPTIONAL_COLUMNS = tuple(
    column
    for name in _OPTIONAL
    for column in (("minus.image", "minus.set") if name == "minus" else (name,))
)


def _nested(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the cells that are not empty, ``minus.set`` within ``minus``."""
    entries: dict[str, Any] = {}
    for column, cell in cells.items():
        table, dot, name = column.partition(".")
        if cell and dot:
            entries.setdefault(table, {})[name] = cell
        elif cell:
            entries[column] = cell
    return entries


def _row(path: Path, place: str, entries: dict[str, Any]) -> Row:
    try:
        return Row.model_validate(entries)
    except ValidationError as error:
        name = entries.get("name") or entries.get("image")
        where = f"{path}: {place}" + (f" ({name})" if name else "")
        raise UsageError(f"{where}: {_first_problem(error, Row)}") from None


def _first_problem(error: ValidationError, schema: type[BaseModel]) -> str:
    """Return what is wrong and what was expected, for the first problem."""
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "missing":
        return f"{where} is missing; every row needs {', '.join(_REQUIRED)}"
    if problem["type"] == "extra_forbidden":
        return f"{where} is unknown; expected {', '.join(schema.model_fields)}"
    message = problem["msg"].removeprefix("Value error, ")
    found = "" if problem["type"] == "value_error" else f" (found {problem['input']!r})"
    return f"{where}: {message}{found}" if where else message


def _cited(path: Path, rows: tuple[Row, ...], own: Mapping[str, str]) -> dict[str, str]:
    """Return the citations of the tags that rows use; a source in words stands for itself."""
    shared = tomllib.loads(assets.path("profiles", "sources.toml").read_text(encoding="utf-8"))
    if twice := sorted(shared.keys() & own.keys()):
        raise UsageError(
            f"{path}: [sources] redefines {', '.join(twice)} of profiles/sources.toml; use other "
            "tags"
        )
    known = {**shared, **own}
    tags = dict.fromkeys(tag.strip() for row in rows for tag in row.source.split(","))
    return {tag: known[tag] for tag in tags if tag in known}


def _refuse_duplicates(figures: Figures) -> None:
    first: dict[str, int] = {}
    for index, row in enumerate(figures.rows):
        other = first.setdefault(row.label, index)
        if other != index:
            raise figures.error(
                index,
                f"{figures.places[other]} has that name, too; give each row a name of its own",
            )
