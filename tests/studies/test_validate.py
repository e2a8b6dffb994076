"""Rows measured as figures files ask, their errors, and the statement of a core."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Literal

import pytest
from counted_program import PROFILE, build_counted
from hypothesis import given
from hypothesis import strategies as st

from thumbclock import Machine
from thumbclock.errors import SimulationFault, UsageError
from thumbclock.profiles import AccuracyStatement, load_core
from thumbclock.result import (
    ErrorStatistics,
    Image,
    ModelError,
    ValidationResult,
    ValidationRow,
    read_result,
)
from thumbclock.studies.figures import Figures, Row, read_figures
from thumbclock.studies.validate import (
    error_statistics,
    measure_rows,
    model_error,
    statement,
    subjects,
    summarise,
)

PROJECT = Path(__file__).parents[2]
COMMITTED = PROJECT / "reports" / "validation"
CORES = sorted(path.stem for path in (PROJECT / "profiles" / "cores").glob("*.toml"))
TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that all rows measure, in a folder of its own."""
    path = tmp_path_factory.mktemp("images") / "counted.elf"
    path.write_bytes(build_counted().read_bytes())
    return path


def figures_of(elf: Path, *rows: dict[str, object]) -> Figures:
    """Return a figures file with rows of that program."""
    common = {"image": elf.name, "profile": PROFILE, "measured": 100, "source": "none"}
    parsed = tuple(
        Row.model_validate({"name": f"r{index}", **common, **row}) for index, row in enumerate(rows)
    )
    places = tuple(f"row {index + 1}" for index in range(len(rows)))
    return Figures(Path("f.toml"), "title", "suite", parsed, places, {}, elf.parent)


def estimate(elf: Path, region: object, **keys: object) -> float:
    """Return what one row measures."""
    (row,) = measured(figures_of(elf, {"region": region, **keys}))
    assert row.failure is None
    assert row.estimated_cycles is not None
    return row.estimated_cycles


def measured(figures: Figures, **options: ValidationResult) -> list[ValidationRow]:
    """Return every row of a file, measured."""
    return list(measure_rows(subjects(figures), timeout_s=TIMEOUT_S, **options))


def test_whole_run(elf: Path) -> None:
    """A run is from reset to the end, and so are its parts together."""
    assert estimate(elf, "run") == Machine(elf, PROFILE).run().cycles
    parts = estimate(elf, "to:main") + estimate(elf, "from:main")
    assert estimate(elf, "run") == pytest.approx(parts, abs=2)


def test_calls(elf: Path) -> None:
    """A call costs what the machine says, the N-th of them what the N-th costs."""
    machine = Machine(elf, PROFILE)
    machine.start("main")
    table = machine.symbol("table")
    calls = [machine.call("first", table, 3) for _ in range(3)]
    assert calls[0].value == 4
    for nth, call in enumerate(calls, 1):
        assert estimate(elf, f"call:first(table, 3) nth:{nth}") == call.cycles
    assert estimate(elf, f"call:first({table:#x}, 3) after:leave") == calls[0].cycles


def test_between_places(elf: Path) -> None:
    """Later rounds loop more often; the parts of a round are the round."""
    rounds = [estimate(elf, f"from:enter to:leave nth:{nth}") for nth in (1, 2, 3)]
    assert rounds[0] < rounds[1] < rounds[2]
    both = estimate(elf, "from:enter to:enter nth:2")
    assert both == rounds[1] + estimate(elf, "from:leave to:enter nth:2")


@pytest.mark.parametrize("engine", ["memoised", "stepped"])
def test_machine_goes_from_place_to_place(engine: Literal["memoised", "stepped"]) -> None:
    """Stops neither lose instructions nor pass a place unseen, wherever the last one was."""
    whole = Machine(build_counted(), PROFILE, engine=engine)
    whole.run()
    machine = Machine(build_counted(), PROFILE, engine=engine)
    places = ["main", *["enter", "work", "leave"] * 3, "work", "enter", "first"]
    reached = []
    for place in places:
        machine.resume(place)
        reached.append(machine.cycles)
    assert reached == sorted(set(reached))
    with pytest.raises(SimulationFault, match="exited with code 0 before it reached work"):
        machine.resume("work")
    assert machine.engine.instructions == whole.engine.instructions
    assert machine.cycles == pytest.approx(whole.cycles, abs=len(places))

    machine = Machine(build_counted(), PROFILE, engine=engine)
    for _ in range(4):
        machine.resume("enter")
    assert machine.cycles == pytest.approx(reached[-2], abs=len(places))
    with pytest.raises(SimulationFault, match="before it reached enter"):
        machine.resume("enter")


def test_word_that_the_program_counted(elf: Path) -> None:
    """The program's own count, where a place is reached and at the end; words are told apart."""
    at_end = estimate(elf, "symbol:counted[1]")
    assert at_end == estimate(elf, "symbol:counted[1] at:first") > 10
    assert estimate(elf, "symbol:counted[0]") == 0
    assert estimate(elf, "symbol:counted[1] at:enter") == 0


def test_words_are_set_behind_start_up_code(elf: Path) -> None:
    """A word is set where start-up code has run, and the place where it is set counts as met."""
    assert estimate(elf, "symbol:rounds at:enter") == 2
    assert estimate(elf, "symbol:rounds at:enter", set={"rounds": 9}) == 9
    assert estimate(elf, "from:main to:enter", set="rounds=9") == estimate(
        elf, "from:main to:enter"
    )
    few, many = (estimate(elf, "from:enter to:leave", set={"rounds": n}) for n in (10, 50))
    keys = {"set": {"rounds": 50}, "minus": {"set": {"rounds": 10}}, "per": 40}
    assert estimate(elf, "from:enter to:leave", **keys) == (many - few) / 40


def test_board_at_another_clock(elf: Path) -> None:
    """Rows pass clock and caches on to the profile, and say what they were."""
    row = {"region": "to:main"}
    plain, slow = measured(figures_of(elf, row, {**row, "clock_hz": 16_000_000, "caches": "off"}))
    assert (plain.clock_hz, slow.clock_hz) == (100_000_000, 16_000_000)
    assert plain.caches == slow.caches == ()
    assert plain.estimated_cycles == slow.estimated_cycles  # memory that never waits


def test_marginal_cost_of_two_images(elf: Path) -> None:
    """Another image can be what is subtracted: the same one twice leaves nothing."""
    twin = elf.with_name("twin.elf")
    twin.write_bytes(elf.read_bytes())
    (row,) = measured(figures_of(elf, {"region": "run", "minus": {"image": twin.name}, "per": 2}))
    assert row.estimated_cycles == 0
    assert row.error_percent == -100
    assert row.minus_image is not None
    assert row.minus_image.name == "twin.elf"


def test_rows_run_independently(elf: Path) -> None:
    """One whose program faults, ends too early or never arrives is recorded; the rest goes on."""
    figures = figures_of(
        elf,
        {"region": "call:crash"},
        {"region": "from:enter nth:9"},
        {"region": "call:first(0x60000000, 0)"},
        {"region": "call:first(table, 0)", "measured": 4, "tolerance": "1 cycles"},
    )
    rows = measured(figures)
    said = ("undefined instruction", "exited with code 0 before it reached enter", "BusFault")
    for row, text in zip(rows, said, strict=False):
        assert row.estimated_cycles is row.error_percent is row.within_tolerance is None
        assert text in (row.failure or "")
    assert rows[-1].failure is None
    assert rows[-1].within_tolerance is True
    result = summarise(figures, rows)
    assert result.complete
    assert result.overall is not None
    assert result.overall.rows == 1


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"image": "none.elf"}, "f.toml: row 1 (r0): there is no image"),
        ({"minus": {"image": "none.elf"}}, "expected one there, or its folder in --images"),
        ({"profile": "ideal-m5"}, "f.toml: row 1 (r0): unknown profile 'ideal-m5'"),
        ({"region": "call:frist"}, "has no symbol 'frist'; expected one of its symbols"),
        ({"region": "call:first(tabel)"}, "has no symbol 'tabel'"),
        ({"region": "symbol:counted at:never"}, "has no symbol 'never'"),
        ({"region": "to:0x123456789"}, "0x123456789: expected an address of 32 bits"),
        ({"set": {"squares": 1}}, "has no symbol 'squares'"),
        ({"supply_v": 3.3}, "row 1 (r0): ideal-m4 has no electrical figures"),
        ({"caches": "icache"}, "row 1 (r0): caches 'icache': ideal-m4 has no cache"),
    ],
)
def test_what_is_not_there(keys: dict[str, object], said: str, elf: Path) -> None:
    """Everything that rows name is looked for before anything is measured."""
    with pytest.raises(UsageError) as caught:
        subjects(figures_of(elf, {"region": "run", **keys}))
    assert said in str(caught.value)


def test_earlier_rows_are_taken_where_nothing_changed(elf: Path) -> None:
    """Only what an estimate depends on decides; what silicon took may be corrected."""
    rows = ({"region": "run"}, {"region": "to:main"}, {"region": "call:crash"})
    figures = figures_of(elf, *rows)
    earlier = summarise(figures, measured(figures))
    marked = earlier.model_copy(
        update={
            "rows": tuple(
                row.model_copy(update={"estimated_cycles": 50.0} if row.error_percent else {})
                for row in earlier.rows
            )
        }
    )
    again = measured(figures_of(elf, {**rows[0], "measured": 200}, *rows[1:]), earlier=marked)
    assert [row.estimated_cycles for row in again] == [50, 50, None]
    assert again[0].error_percent == -75
    changed = {
        "profile_sha256": "0" * 64,
        "clock_hz": 1,
        "version": "0.0.1",
        "region": "to:leave",
        "image": Image(name=elf.name, sha256="0" * 64),
    }
    for name, value in changed.items():
        other = tuple(row.model_copy(update={name: value}) for row in marked.rows)
        fresh = measured(figures, earlier=marked.model_copy(update={"rows": other}))
        assert fresh == list(earlier.rows), name


# errors


def row_of(error_percent: float | None, **changes: object) -> ValidationRow:
    """Return a row with that error."""
    is_measured = error_percent is not None
    fields: dict[str, object] = {
        "name": "row",
        "group": "cortex-m4",
        "image": Image(name="a.elf", sha256="0" * 64),
        "profile": "ideal-m4",
        "core": "cortex-m4",
        "profile_sha256": "0" * 64,
        "clock_hz": 100_000_000,
        "version": "0.1.0",
        "region": "run",
        "measured_cycles": 1000.0,
        "estimated_cycles": 1000 + 10 * error_percent if is_measured else None,
        "error_percent": error_percent,
        "source": "MINE",
    }
    return ValidationRow.model_validate({**fields, **changes})


ERRORS = st.lists(st.floats(-100, 1000), min_size=1, max_size=30)


def statistics(errors: list[float]) -> ErrorStatistics:
    """Return the statistics of errors, which there are."""
    found = error_statistics("g", [row_of(error, name=str(error)) for error in errors])
    assert found is not None
    return found


@given(ERRORS)
def test_bounds_of_the_statistics(errors: list[float]) -> None:
    """Worst is one of the errors, the mean is no larger, and no bias is larger than the mean."""
    found = statistics(errors)
    assert found.rows == len(errors)
    assert found.worst_percent == abs(float(found.worst_row)) == max(map(abs, errors))
    slack = 1e-9 * (1 + found.worst_percent)
    assert abs(found.bias_percent) <= found.mean_percent + slack
    assert found.mean_percent <= found.worst_percent + slack


@given(ERRORS)
def test_statistics_of_mirrored_errors(errors: list[float]) -> None:
    """Errors of the other sign have the same mean and worst, and the opposite bias."""
    found = statistics(errors)
    mirrored = error_statistics("g", [row_of(-error) for error in errors])
    assert mirrored is not None
    assert mirrored.mean_percent == found.mean_percent
    assert mirrored.worst_percent == found.worst_percent
    assert mirrored.bias_percent == pytest.approx(-found.bias_percent)


@given(ERRORS, st.randoms())
def test_order_and_rows_without_estimate_do_not_count(errors: list[float], random: Random) -> None:
    """The same errors give the same statistics in any order, and gaps do not dilute them."""
    rows: list[float | None] = [*errors, None, None]
    random.shuffle(rows)
    found = error_statistics("g", [row_of(error, name=str(error)) for error in rows])
    assert found is not None
    expected = statistics(errors)
    assert (found.rows, found.worst_percent) == (expected.rows, expected.worst_percent)
    assert found.mean_percent == pytest.approx(expected.mean_percent)
    assert found.bias_percent == pytest.approx(expected.bias_percent)


def test_statistics_of_known_errors() -> None:
    """Mean of magnitudes, largest magnitude, mean with signs."""
    found = statistics([1.0, -4.0, 0.0])
    assert (found.mean_percent, found.worst_percent, found.worst_row) == (5 / 3, 4, "-4.0")
    assert found.bias_percent == -1
    assert error_statistics("g", [row_of(None)]) is None


def test_groups(elf: Path) -> None:
    """Rows are counted by group and in all; a part of a file is not complete."""
    figures = figures_of(elf, *({"region": "run"},) * 3)
    rows = [row_of(2.0, group="a"), row_of(-4.0, group="b")]
    result = summarise(figures, rows)
    assert [(group.group, group.bias_percent) for group in result.groups] == [("a", 2), ("b", -4)]
    assert result.overall is not None
    assert (result.overall.mean_percent, result.overall.bias_percent) == (3, -1)
    assert not result.complete


# the statement of a core


def report(*rows: ValidationRow, suite: str = "CoreMark") -> ValidationResult:
    """Return a complete result of those rows."""
    return ValidationResult(
        title="t", suite=suite, complete=True, rows=rows, groups=(), overall=None, sources={}
    )


def test_statement_counts_every_row_of_the_core() -> None:
    """Rows of all reports are counted together; reports without the core are not named."""
    reports = {
        "a.json": report(row_of(1.0), row_of(50.0, core="cortex-m7"), row_of(-2.0)),
        "b.json": report(row_of(-5.04, source="X, Y"), suite="AES"),
        "c.json": report(row_of(50.0, core="cortex-m7")),
    }
    assert model_error("cortex-m4", reports) == ModelError(
        figures=3,
        mean_percent=2.7,
        worst_percent=5.0,
        bias_percent=-2.0,
        suites=("CoreMark", "AES"),
        reports=("a.json", "b.json"),
    )
    assert model_error("cortex-m0", reports) is None
    m4, m7 = statement(reports).split("\n\n")
    table = tomllib.loads(m4)["accuracy"]
    accuracy = AccuracyStatement.model_validate(table)
    assert accuracy.phrase == (
        "mean error 2.7 %, worst 5.0 % over 3 figures measured on silicon (CoreMark, AES)"
    )
    assert accuracy.error is not None
    assert accuracy.error.figures.tags == ("MINE", "X", "Y")
    assert m7.startswith("# profiles/cores/cortex-m7.toml\n[accuracy.error]")


@pytest.mark.parametrize(
    "change",
    [lambda r: r.model_copy(update={"complete": False}), lambda r: report(*r.rows, row_of(None))],
)
def test_statement_wants_complete_results(
    change: Callable[[ValidationResult], ValidationResult],
) -> None:
    """An error over some of the rows is no error of the core."""
    with pytest.raises(UsageError, match=r"a\.json lacks estimates"):
        model_error("cortex-m4", {"a.json": change(report(row_of(1.0)))})


def committed() -> dict[str, ValidationResult]:
    """Return the results in reports/validation, named as cores name them."""
    found = {}
    for path in sorted(COMMITTED.glob("*.json")):
        result = read_result(path)
        assert isinstance(result, ValidationResult), path
        found[path.relative_to(PROJECT).as_posix()] = result
    return found


@pytest.mark.parametrize("name", CORES)
def test_cores_state_what_the_committed_results_show(name: str) -> None:
    """A core's accuracy is that of every committed row of it, or admitted as unknown."""
    error, shown = load_core(name).accuracy.error, model_error(name, committed())
    if error is None or shown is None:
        assert error is shown is None, "write what python -m thumbclock.studies.validate prints"
        return
    stated = {key: quantity.value for key, quantity in error.quantities().items()}
    assert stated == shown.model_dump(include=set(stated))
    assert error.suites == shown.suites
    assert sorted(error.reports) == sorted(shown.reports)


def test_committed_results_show_the_committed_figures() -> None:
    """Each result has the rows of the figures file of its name, with the measured cycles there."""
    for path, result in committed().items():
        figures = read_figures((PROJECT / path).with_suffix(".toml"))
        assert [(row.name, row.measured_cycles, row.region) for row in result.rows] == [
            (row.label, row.measured, row.measurement) for row in figures.rows
        ]


def test_results_carry_the_error_of_their_core(elf: Path) -> None:
    """A run on a validated core says how far its estimates lie from silicon, as numbers."""
    machine = Machine(elf, PROFILE)
    table = tomllib.loads(statement({"a.json": report(row_of(1.0), row_of(-2.0))}))["accuracy"]
    core = replace(machine.profile.core, accuracy=AccuracyStatement.model_validate(table))
    machine.profile = replace(machine.profile, core=core)
    model = machine.run().model
    assert model.accuracy == "mean error 1.5 %, worst 2.0 % over 2 figures measured on silicon " + (
        "(CoreMark)"
    )
    assert model.error == ModelError(
        figures=2,
        mean_percent=1.5,
        worst_percent=2.0,
        bias_percent=-0.5,
        suites=("CoreMark",),
        reports=("a.json",),
    )
