"""Estimates against cycles measured on silicon: rows measured, and their errors summed up.

``python -m thumbclock.studies.validate RESULT.json ...`` prints the ``[accuracy.error]`` table of
each core that committed results of ``thumbclock validate`` speak of.
"""

import hashlib
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import thumbclock
from thumbclock.errors import SimulationFault, UsageError
from thumbclock.machine import Machine
from thumbclock.machine.image import Image, load_image
from thumbclock.profiles import Profile, load_profile
from thumbclock.result import (
    ErrorStatistics,
    ModelError,
    ValidationResult,
    ValidationRow,
    read_result,
)
from thumbclock.result import Image as ImageRecord
from thumbclock.studies.figures import Call, Figures, Minus, Row, Span, Word

__all__ = [
    "Subject",
    "error_statistics",
    "measure_rows",
    "model_error",
    "statement",
    "subjects",
    "summarise",
]

_OVERALL = "all"


@dataclass(frozen=True)
class Subject:
    """A row with all that it needs to be measured: nothing of its file is missing or unknown."""

    row: Row
    profile: Profile
    image: Image
    minus_image: Image


def subjects(figures: Figures) -> list[Subject]:
    """Return every row of a figures file with its profile and images.

    Raises:
        UsageError: A profile, an image, or a symbol in it is not there: file, row and what was
            expected.
    """
    images: dict[Path, Image] = {}
    return [_subject(figures, index, images) for index in range(len(figures.rows))]


def _subject(figures: Figures, index: int, images: dict[Path, Image]) -> Subject:
    row = figures.rows[index]
    try:
        profile = _profile(figures, row)
        image = _image(figures, row.image, images)
        minus = row.minus or Minus()
        minus_image = _image(figures, minus.image or row.image, images)
        _require_symbols(image, (*row.region.places, *row.set))
        _require_symbols(minus_image, (*row.region.places, *minus.set))
    except UsageError as error:
        raise figures.error(index, str(error)) from None
    return Subject(row, profile, image, minus_image)


def _profile(figures: Figures, row: Row) -> Profile:
    name = figures.path.parent / row.profile if row.profile.endswith(".toml") else row.profile
    return load_profile(
        name, caches=row.caches or "usual", clock_hz=row.clock_hz, supply_v=row.supply_v
    )


def _image(figures: Figures, name: str, images: dict[Path, Image]) -> Image:
    path = figures.images / name
    if path not in images:
        if not path.is_file():
            raise UsageError(
                f"there is no image {path}; expected one there, or its folder in --images"
            )
        images[path] = load_image(path)
    return images[path]


def _require_symbols(image: Image, places: Iterable[str]) -> None:
    for place in places:
        _address(image, place)


def _address(image: Image, place: str) -> int:
    """Return the address of a symbol, or of an address as it is written."""
    if place in image.symbols:
        return image.symbols[place]
    try:
        address = int(place, 0)
    except ValueError:
        raise UsageError(
            f"{image.name} has no symbol {place!r}; expected one of its symbols, or an address"
        ) from None
    if not 0 <= address < 1 << 32:
        raise UsageError(f"{place}: expected an address of 32 bits")
    return address & ~1


# ---------------------------------------------------------------- measuring


class _Session:
    """A program on its way from place to place, within a time."""

    def __init__(
        self, image: Image, profile: Profile, settings: Mapping[str, int], deadline: float
    ) -> None:
        self.machine = Machine(image, profile)
        self._image, self._deadline = image, deadline
        self._start: int | None = None
        if settings and "main" in image.symbols:
            self.advance("main")  # start-up code would overwrite what is set before
            self._start = image.symbols["main"]
        for symbol, value in settings.items():
            word = (value & 0xFFFFFFFF).to_bytes(4, "little")
            self.machine.write(_address(image, symbol), word)

    @property
    def left_s(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self._deadline - time.monotonic())

    def advance(self, place: str | None, arrivals: int = 1) -> None:
        """Run to a place, as often as asked for, or with None to the program's end."""
        if place is None:
            self.machine.resume(None, timeout_s=self.left_s)
            return
        address = _address(self._image, place)
        if address == self._start:
            arrivals -= 1  # of main, where words were set, this is the first
        self._start = None
        target = place if place in self._image.symbols else address
        for _ in range(arrivals):
            self.machine.resume(target, timeout_s=self.left_s)


def _estimate(subject: Subject, timeout_s: float) -> float:
    """Return the cycles that a row asks for.

    Raises:
        SimulationFault: The program faulted, ended too early, or took too long.
    """
    row, profile = subject.row, subject.profile
    deadline = time.monotonic() + timeout_s
    cycles = float(_measure(_Session(subject.image, profile, row.set, deadline), row))
    if row.minus is not None:
        cycles -= _measure(_Session(subject.minus_image, profile, row.minus.set, deadline), row)
    return cycles / row.per


def _measure(session: _Session, row: Row) -> int:
    match row.region:
        case Span():
            return _measure_span(session, row.region)
        case Call():
            return _measure_call(session, row.region)
        case Word():
            return _read_word(session, row.region)


def _measure_span(session: _Session, span: Span) -> int:
    before = 0
    if span.start is not None:
        session.advance(span.start, span.nth)
        before = session.machine.cycles
    session.advance(span.stop)
    return session.machine.cycles - before


def _measure_call(session: _Session, call: Call) -> int:
    machine = session.machine
    after = call.after or ("main" if "main" in machine.image.symbols else None)
    if after is not None:
        session.advance(after)
    function = _address(machine.image, call.function)
    arguments = [_argument(machine.image, text) for text in call.arguments]
    cycles = 0
    for _ in range(call.nth):
        cycles = machine.call(function, *arguments, timeout_s=session.left_s).cycles
    return cycles


def _argument(image: Image, text: str) -> int:
    if text in image.symbols:
        return image.symbols[text]
    return int(text, 0) & 0xFFFFFFFF


def _read_word(session: _Session, word: Word) -> int:
    session.advance(word.at)
    address = _address(session.machine.image, word.symbol) + 4 * word.index
    return int.from_bytes(session.machine.read(address, 4), "little")


def measure_rows(
    chosen: Iterable[Subject], *, timeout_s: float, earlier: ValidationResult | None = None
) -> Iterator[ValidationRow]:
    """Measure rows one by one; one whose program faults is recorded and the rest goes on.

    Args:
        chosen: What to measure.
        timeout_s: Limit of each row in seconds of the host's time.
        earlier: A result whose rows are taken where image, profile and region are the same.
    """
    known = {_identity(row): row for row in earlier.rows} if earlier is not None else {}
    for subject in chosen:
        blank = _record(subject, estimated_cycles=None)
        before = known.get(_identity(blank))
        if before is not None and before.estimated_cycles is not None:
            yield _record(subject, estimated_cycles=before.estimated_cycles)
            continue
        try:
            yield _record(subject, estimated_cycles=_estimate(subject, timeout_s))
        except (SimulationFault, UsageError) as error:
            yield blank.model_copy(update={"failure": str(error)})


def _identity(row: ValidationRow) -> tuple[object, ...]:
    """Return all that an estimate depends on."""
    minus = row.minus_image and row.minus_image.sha256
    board = (row.profile, row.profile_sha256, row.clock_hz, row.supply_v, row.caches)
    return row.image.sha256, minus, board, row.version, row.region


def _record(subject: Subject, *, estimated_cycles: float | None) -> ValidationRow:
    row, profile = subject.row, subject.profile
    error = within = None
    if estimated_cycles is not None:
        error = 100 * (estimated_cycles / row.measured - 1)
        if row.tolerance is not None:
            within = row.tolerance.allows(estimated_cycles, row.measured)
    return ValidationRow(
        name=row.label,
        group=row.group or profile.core.name,
        image=_image_record(subject.image),
        minus_image=None
        if subject.minus_image is subject.image
        else _image_record(subject.minus_image),
        profile=profile.name,
        core=profile.core.name,
        profile_sha256=_digest(profile),
        clock_hz=profile.clock_hz,
        supply_v=profile.supply_v,
        caches=tuple(cache.name for cache in profile.board.enabled_caches),
        version=thumbclock.__version__,
        region=row.measurement,
        measured_cycles=row.measured,
        estimated_cycles=estimated_cycles,
        error_percent=error,
        tolerance=None if row.tolerance is None else str(row.tolerance),
        within_tolerance=within,
        source=row.source,
        note=row.note,
    )


def _image_record(image: Image) -> ImageRecord:
    return ImageRecord(name=image.name, sha256=image.sha256)


def _digest(profile: Profile) -> str:
    files = (profile.board.path, profile.core.path)
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


# ---------------------------------------------------------------- errors


def error_statistics(group: str, rows: Iterable[ValidationRow]) -> ErrorStatistics | None:
    """Return mean, worst and bias of the rows that have an estimate, None where none has."""
    errors = [(row.error_percent, row.name) for row in rows if row.error_percent is not None]
    if not errors:
        return None
    worst, name = max(errors, key=lambda error: abs(error[0]))
    return ErrorStatistics(
        group=group,
        rows=len(errors),
        mean_percent=fmean(abs(error) for error, _ in errors),
        worst_percent=abs(worst),
        worst_row=name,
        bias_percent=fmean(error for error, _ in errors),
    )


def summarise(figures: Figures, rows: Sequence[ValidationRow]) -> ValidationResult:
    """Return the rows measured so far with their errors, by group and in all."""
    groups = dict.fromkeys(row.group for row in rows)
    by_group = (
        error_statistics(group, (row for row in rows if row.group == group)) for group in groups
    )
    return ValidationResult(
        title=figures.title,
        suite=figures.suite,
        complete=len(rows) == len(figures.rows),
        rows=tuple(rows),
        groups=tuple(group for group in by_group if group is not None),
        overall=error_statistics(_OVERALL, rows),
        sources=dict(figures.sources),
    )


# ---------------------------------------------------------------- the statement of a core


def model_error(core: str, reports: Mapping[str, ValidationResult]) -> ModelError | None:
    """Return the error of a core's model over every row of several results, to a tenth of 1 %.

    Args:
        core: Name of the core profile.
        reports: Path, as the statement is to name it, -> result.

    Raises:
        UsageError: A result is not complete, or a row of it has no estimate.
    """
    for path, report in reports.items():
        if not report.complete or any(row.estimated_cycles is None for row in report.rows):
            raise UsageError(f"{path} lacks estimates; expected the result of a run to the end")
    own = {
        path: [row for row in report.rows if row.core == core] for path, report in reports.items()
    }
    own = {path: rows for path, rows in own.items() if rows}
    errors = error_statistics(core, (row for rows in own.values() for row in rows))
    if errors is None:
        return None
    return ModelError(
        figures=errors.rows,
        mean_percent=round(errors.mean_percent, 1),
        worst_percent=round(errors.worst_percent, 1),
        bias_percent=round(errors.bias_percent, 1) + 0.0,  # never -0.0
        suites=tuple(dict.fromkeys(reports[path].suite for path in own)),
        reports=tuple(own),
    )


def statement(reports: Mapping[str, ValidationResult]) -> str:
    """Return the ``[accuracy.error]`` table of every core in several results, as TOML."""
    rows = [row for report in reports.values() for row in report.rows]
    parts = []
    for core in sorted({row.core for row in rows}):
        error = model_error(core, reports)
        assert error is not None
        tags = dict.fromkeys(
            tag.strip() for row in rows if row.core == core for tag in row.source.split(",")
        )
        parts.append(_table(core, error, ", ".join(tags)))
    return "\n".join(parts)


def _table(core: str, error: ModelError, source: str) -> str:
    def quantity(name: str, value: float, unit: str) -> str:
        evidence = f'unit = "{unit}", source = "{source}", kind = "derived"'
        return f"{name} = {{ value = {value}, {evidence} }}"

    return "\n".join(
        (
            f"# profiles/cores/{core}.toml",
            "[accuracy.error]",
            f"suites = [{_strings(error.suites)}]",
            f"reports = [{_strings(error.reports)}]",
            quantity("figures", error.figures, "figure"),
            quantity("mean_percent", error.mean_percent, "%"),
            quantity("worst_percent", error.worst_percent, "%"),
            quantity("bias_percent", error.bias_percent, "%"),
            "",
        )
    )


def _strings(texts: Iterable[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def _main(paths: Sequence[str]) -> int:
    if not paths:
        sys.stderr.write("usage: python -m thumbclock.studies.validate RESULT.json ...\n")
        return 2
    reports: dict[str, ValidationResult] = {}
    try:
        for path in paths:
            result = read_result(path)
            if not isinstance(result, ValidationResult):
                raise UsageError(f"{path}: expected a result of thumbclock validate")
            reports[Path(path).as_posix()] = result
        sys.stdout.write(statement(reports))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
