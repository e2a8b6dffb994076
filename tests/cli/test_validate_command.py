"""The command line: what validate prints, writes and exits with."""

import json
from pathlib import Path

import jsonschema
import pytest
from programs import PROFILE, build_program
from typer.testing import CliRunner, Result

import thumbclock
from thumbclock.cli import app
from thumbclock.result import ValidationResult, read_result
from thumbclock.studies.validate import Subject

SCHEMA = Path(thumbclock.__file__).parent / "schemas" / "validation-1.json"

HEADER = "image,profile,region,measured,source,name,group,tolerance"
CALL = f"hello.elf,{PROFILE},call:square(7),4,MINE,square,,"


def validate(figures: Path, *arguments: object) -> Result:
    """Run the command in this process and demand that it ends without a traceback."""
    words = ["validate", str(figures), *map(str, arguments)]
    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "Traceback" not in done.output
    return done


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """A file whose one row is a call, with its image beside it."""
    (tmp_path / "hello.elf").write_bytes(build_program("hello").read_bytes())
    return rows(tmp_path, CALL)


def rows(folder: Path, *lines: str) -> Path:
    """Write a figures file."""
    path = folder / "figures.csv"
    path.write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
    return path


def estimate_of(figures: Path) -> float:
    """Return what the one row is estimated at."""
    path = figures.with_name("estimate.json")
    assert validate(figures, "--json", path, "--quiet").exit_code == 0
    result = read_result(path)
    assert isinstance(result, ValidationResult)
    estimate = result.rows[0].estimated_cycles
    assert estimate is not None
    return estimate


def test_prints_and_writes_the_errors(figures: Path, tmp_path: Path) -> None:
    """Measured, estimate, error and source of each row, in the table and in JSON, and a figure."""
    outputs = ("--json", tmp_path / "v.json", "--figure", tmp_path / "v.svg")
    done = validate(figures, *outputs)
    assert done.exit_code == 0
    assert done.stderr == ""
    for part in ("square", "MINE", PROFILE, "mean error", "worst", "bias", "cortex-m7"):
        assert part in done.stdout
    document = json.loads((tmp_path / "v.json").read_text())
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert document["complete"] is True
    assert document["rows"][0]["region"] == "call:square(7)"
    assert document["overall"]["rows"] == 1
    assert (tmp_path / "v.svg").read_text().startswith("<?xml")


def test_quiet_prints_nothing(figures: Path) -> None:
    """Nothing but the exit code."""
    assert validate(figures, "--quiet").output == ""


def test_images_can_lie_elsewhere(figures: Path, tmp_path: Path) -> None:
    """--images names their folder."""
    (tmp_path / "elf").mkdir()
    (tmp_path / "hello.elf").rename(tmp_path / "elf" / "hello.elf")
    missing = validate(figures)
    assert missing.exit_code == 2
    assert f"line 2 (square): there is no image {tmp_path / 'hello.elf'}" in missing.stderr
    assert validate(figures, "--images", tmp_path / "elf").exit_code == 0


@pytest.mark.parametrize(
    ("factor", "options", "code", "said"),
    [
        (1.0, ("--max-error", "0", "--max-mean-error", "0"), 0, ""),
        (1.25, ("--max-error", "20.1"), 0, ""),
        (1.25, ("--max-error", "19.9"), 1, "square: -20.00 %, allowed 19.9 % (--max-error)"),
        (0.8, ("--max-mean-error", "24"), 1, "cortex-m7: mean error 25.00 %, allowed 24 %"),
    ],
)
def test_budgets(
    factor: float, options: tuple[str, ...], code: int, said: str, figures: Path, tmp_path: Path
) -> None:
    """Errors above what is allowed are named, and are exit code 1."""
    measured = factor * estimate_of(figures)
    done = validate(rows(tmp_path, CALL.replace(",4,", f",{measured},")), *options)
    assert done.exit_code == code
    assert said in done.stderr


def test_tolerance_of_a_row(figures: Path, tmp_path: Path) -> None:
    """A row's own tolerance needs no option."""
    measured = estimate_of(figures) + 3
    line = CALL.replace(",4,", f",{measured},")
    for allowed, code in (("3 cycles", 0), ("0 % or 2 cycles", 1)):
        done = validate(rows(tmp_path, line + allowed))
        assert done.exit_code == code
        assert ("allowed 2 cycles" in done.stderr) == bool(code)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (CALL.replace(",4,", ",0,"), "line 2 (square): measured: Input should be greater than 0"),
        (CALL.replace(PROFILE, "nucleo-h734zi"), "unknown profile 'nucleo-h734zi' (did you mean"),
        (CALL.replace("square(", "sqare("), "line 2 (square): hello.elf has no symbol 'sqare'"),
        (f"{CALL}\n{CALL}", "line 3 (square): line 2 has that name, too"),
        ("", "has no rows"),
    ],
)
def test_bad_files(line: str, said: str, figures: Path, tmp_path: Path) -> None:
    """One message with file, row and what was expected; exit code 2."""
    done = validate(rows(tmp_path, line))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert str(figures) in done.stderr
    assert said in done.stderr


def test_bad_options(figures: Path, tmp_path: Path) -> None:
    """What could not be written, or read, is refused before anything is measured."""
    options: list[tuple[object, ...]] = [
        ("--figure", tmp_path / "v.txt"),
        ("--figure", tmp_path / "none" / "v.svg"),
        ("--figure", tmp_path / "v.png", "--json", tmp_path / "v.png"),
        ("--resume", tmp_path / "none.json"),
        ("--max-error", "-1"),
    ]
    for option in options:
        done = validate(figures, *option)
        assert done.exit_code == 2, option
        assert done.stdout == ""


def test_a_program_that_faults_does_not_stop_the_others(figures: Path, tmp_path: Path) -> None:
    """The other rows are shown, in the figure, too; exit code 3."""
    (tmp_path / "undefined.elf").write_bytes(build_program("undefined").read_bytes())
    (tmp_path / "forever.elf").write_bytes(build_program("forever").read_bytes())
    lines = (f"undefined.elf,{PROFILE},run,9,MINE,,,", f"forever.elf,{PROFILE},run,9,MINE,,,", CALL)
    outputs = ("--figure", tmp_path / "v.png", "--json", tmp_path / "v.json")
    done = validate(rows(tmp_path, *lines), "--timeout", "0.3", *outputs)
    assert done.exit_code == 3
    assert "2 of 3 rows have no estimate; the first, undefined: UsageFault" in done.stderr
    assert "forever: the time limit was reached before its end" in " ".join(done.stdout.split())
    result = read_result(tmp_path / "v.json")
    assert isinstance(result, ValidationResult)
    assert result.overall is not None
    assert result.overall.rows == 1
    assert (tmp_path / "v.png").stat().st_size > 0
    assert figures.exists()


def test_interruption_keeps_what_was_measured(
    figures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C the JSON has the finished rows, and --resume takes them from there."""
    expected = estimate_of(figures)
    rows(tmp_path, CALL, CALL.replace("square,,", "again,,"))
    measured: list[str] = []

    def estimate(subject: Subject, _timeout_s: float) -> float:
        measured.append(subject.row.name)
        if measured == ["square", "again"]:
            raise KeyboardInterrupt
        return expected

    monkeypatch.setattr("thumbclock.studies.validate._estimate", estimate)
    partial = tmp_path / "partial.json"
    done = validate(figures, "--json", partial)
    assert done.exit_code == 130
    assert done.stderr == "thumbclock: interrupted\n"
    result = read_result(partial)
    assert isinstance(result, ValidationResult)
    assert not result.complete
    assert [row.name for row in result.rows] == ["square"]
    assert validate(figures, "--resume", partial, "--json", partial).exit_code == 0
    assert measured == ["square", "again"]  # both are the same measurement, so none is left
    result = read_result(partial)
    assert isinstance(result, ValidationResult)
    assert result.complete
    assert [row.estimated_cycles for row in result.rows] == [expected] * 2
