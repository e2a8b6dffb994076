"""The command line: what run, kernel and compare print, write and exit with."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jsonschema
import pytest
from programs import PROFILE, build_program
from typer.testing import CliRunner, Result

import thumbclock
from thumbclock.cli import app
from thumbclock.cli.options import OPERATOR_NAMES
from thumbclock.kernels.operators import OPERATORS
from thumbclock.reports.charts import write_chart
from thumbclock.result import CompareResult, KernelResult, RunResult, read_result

SCHEMAS = Path(thumbclock.__file__).parent / "schemas"
KERNEL = ("kernel", "conv", "--shape", "4x4x4-4")
COMPARE = ("compare", "--shape", "4x4x4-4", "--precisions", "w8a8,w4a4")


def invoke(*arguments: object) -> Result:
    """Run a command in this process and demand that it ends without a traceback."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert "Traceback" not in done.output
    return done


def run(name: str, *arguments: object) -> Result:
    """Run one of the small programs on a board."""
    return invoke("run", build_program(name), "--profile", PROFILE, *arguments)


def validated(path: Path, schema: str) -> object:
    """Return a JSON result that conforms to its published schema."""
    document = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads((SCHEMAS / f"{schema}.json").read_text()))
    return document


# study


def test_layers_refuses_a_missing_folder_before_it_measures(tmp_path: Path) -> None:
    """What could not be written at the end is named at the start."""
    file = Path(__file__).parents[2] / "reports" / "kernels" / "mlperf-tiny.toml"
    done = invoke("study", "layers", file, "--markdown", tmp_path / "none" / "table.md")
    assert done.exit_code == 2
    assert "there is no folder" in done.stderr


# run


def test_run_refuses_an_impossible_sleep_before_it_runs() -> None:
    """A sleep mode that the board lacks is named at once, not behind a long run."""
    done = run("hello", "--period", "1s", "--sleep", "nap")
    assert done.exit_code == 2
    assert "has no sleep mode 'nap'" in done.stderr
    assert done.stdout == ""


def test_run_that_does_not_end_has_no_duty_cycle() -> None:
    """What stopped it is said, rather than that it does not fit into its period."""
    limited = ("--max-instructions", 50, "--period", "1us", "--sleep", "12uA")
    done = run("hello", *limited, "--quiet")
    assert done.exit_code == 3
    assert "did not end within 50 instructions" in done.stderr


def test_kernel_says_when_memories_decide() -> None:
    """Where waits count, the core's accuracy is not all that there is to say."""
    flash = ("--place", "code=flash", "--profile", "nucleo-h743zi")
    text = " ".join(invoke(*KERNEL, *flash, "--caches", "off").stdout.split())
    assert "of the cycles wait for it, by times of the board's profile" in text
    assert "of the cycles wait for it" not in invoke(*KERNEL, "--profile", "ideal-m7").stdout


def test_run_prints_the_program_and_what_it_cost(tmp_path: Path) -> None:
    """Semihosting comes first and as it is, the summary after it, the same in JSON."""
    done = run("hello", "--json", tmp_path / "run.json")
    assert done.exit_code == 0
    assert done.stdout.startswith("hello\n")
    assert "the program exited with code 0" in done.stdout
    assert done.stderr == ""
    validated(tmp_path / "run.json", "run-1")
    result = read_result(tmp_path / "run.json")
    assert isinstance(result, RunResult)
    assert f"{result.cycles:,}" in done.stdout
    assert result.cycles == sum(cost.exclusive_cycles for cost in result.functions)


def test_run_quiet_leaves_the_program_alone() -> None:
    """Only the program itself speaks."""
    assert run("hello", "--quiet").output == "hello\n"


def test_run_tells_the_exit_code_of_the_program() -> None:
    """A program's own verdict is reported; the simulation went well."""
    done = run("fails")
    assert done.exit_code == 0
    assert "exited with code 7" in done.stderr


def test_run_prices_one_function(tmp_path: Path) -> None:
    """A call is priced without the start-up code before it, and by both engines alike."""
    costs = []
    for engine in ("memoised", "stepped"):
        path = tmp_path / f"{engine}.json"
        call = ("--function", "square", "--arg", "0x10", "--engine", engine)
        assert run("hello", *call, "--json", path).exit_code == 0
        result = read_result(path)
        assert isinstance(result, RunResult)
        assert [cost.name for cost in result.functions] == ["square"]
        assert result.exit.reason == "returned"
        costs.append((result.cycles, result.instructions))
    assert costs[0] == costs[1]
    assert costs[0][1] == 2  # mul, bx


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", ["BusFault", "0x60000000", "main"]),
        ("overflow", ["stack overflow", "deeper", "overflow.c:"]),
        ("undefined", ["undefined instruction", "in main", "undefined.c:"]),
        ("null", ["invalid state", "at 0x00000000", "bit 0"]),
        ("pointer", ["bad semihosting call", "0x60000000", "in main"]),
        ("no_fpu", ["no coprocessor", "vadd", "in main"]),
    ],
)
def test_run_reports_faults(name: str, said: Sequence[str], tmp_path: Path) -> None:
    """A fault is told with its place, registers and calls, and the result is still written."""
    done = run(name, "--json", tmp_path / "fault.json")
    assert done.exit_code == 3
    for part in (*said, "sp 0x", "pc 0x", "calls: "):
        assert part in done.stderr
    validated(tmp_path / "fault.json", "run-1")
    result = read_result(tmp_path / "fault.json")
    assert isinstance(result, RunResult)
    assert result.exit.reason == "fault"
    assert result.fault is not None
    assert result.cycles > 0


@pytest.mark.parametrize(
    ("limit", "reason"),
    [(("--timeout", "0.3"), "time_limit"), (("--max-instructions", "100000"), "instruction_limit")],
)
def test_run_ends_a_program_that_does_not(
    limit: Sequence[str], reason: str, tmp_path: Path
) -> None:
    """Both limits end an endless loop, name the option that sets them, and leave a result."""
    done = run("forever", *limit, "--json", tmp_path / "limit.json")
    assert done.exit_code == 3
    assert limit[0] in done.stderr
    result = read_result(tmp_path / "limit.json")
    assert isinstance(result, RunResult)
    assert result.exit.reason == reason


def test_run_ends_a_program_that_meets_new_code_for_ever() -> None:
    """The time limit holds where every block is a new one: megabytes of zeros are instructions."""
    done = invoke("run", build_program("slides"), "--profile", "ideal-m7", "--timeout", "1")
    assert done.exit_code == 3
    assert "--timeout" in done.stderr


def test_run_tells_what_the_program_asked_for_in_vain() -> None:
    """An interrupt that is enabled and will not come is named."""
    done = run("ticks")
    assert done.exit_code == 0
    assert "SysTick interrupt" in done.stderr


def test_run_ends_a_function_that_does_not(tmp_path: Path) -> None:
    """A limit in a called function is a limit, and the result says so."""
    path = tmp_path / "limit.json"
    done = run("forever", "--function", "main", "--max-instructions", "100000", "--json", path)
    assert done.exit_code == 3
    result = read_result(path)
    assert isinstance(result, RunResult)
    assert result.exit.reason == "instruction_limit"


def test_run_says_that_a_program_waits() -> None:
    """Waiting for an interrupt is an end of its own."""
    done = run("waits")
    assert done.exit_code == 0
    assert "waits for an interrupt" in done.stderr


def bad_images() -> dict[str, bytes]:
    """Return the contents of files that are no image for the board."""
    elf = build_program("hello").read_bytes()
    x86 = bytearray(elf)
    x86[18:20] = (62).to_bytes(2, "little")  # e_machine
    huge = bytearray(elf)
    table = int.from_bytes(elf[28:32], "little")
    huge[table + 20 : table + 24] = (1 << 30).to_bytes(4, "little")  # p_memsz of the first segment
    return {
        "text": b"int main(void) { return 0; }\n",
        "empty": b"",
        "truncated": elf[:200],
        "cut": elf[: len(elf) // 3],
        "x86": bytes(x86),
        "huge": bytes(huge),
    }


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text", "neither ELF nor Intel HEX"),
        ("empty", "is empty"),
        ("truncated", "truncated"),
        ("cut", "truncated"),
        ("x86", "expected a 32-bit"),
        ("huge", "does not have"),
    ],
)
def test_run_refuses_what_is_no_image(kind: str, said: str, tmp_path: Path) -> None:
    """One message says what was found and what was expected."""
    path = tmp_path / "image"
    path.write_bytes(bad_images()[kind])
    done = invoke("run", path, "--profile", PROFILE)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--profile", "nucleo-h743z"), "did you mean nucleo-h743zi"),
        (("--profile", PROFILE, "--function", "squar"), "did you mean square"),
        (("--profile", PROFILE, "--function", "square", "--arg", "x"), "--arg 'x'"),
        (("--profile", PROFILE, "--arg", "1"), "--function"),
        (("--profile", PROFILE, "--base", "here"), "--base 'here'"),
        (("--profile", PROFILE, "--base", "0x08000000"), "--base is for raw binaries"),
        (("--profile", PROFILE, "--base", "-1"), "--base -1"),
        (("--profile", PROFILE, "--function", "square", "--arg", "0x100000000"), "32 bits"),
        (("--profile", PROFILE, "--function", "seven"), "seven is data"),
        ((), "--profile"),
        (("--profile", PROFILE, "--json", "/nowhere/run.json", "--quiet"), "no folder"),
    ],
)
def test_run_refuses_wrong_options(arguments: Sequence[str], said: str) -> None:
    """Wrong usage exits with 2 and says what is wrong."""
    done = invoke("run", build_program("hello"), *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


# kernel and compare


def test_kernel(tmp_path: Path) -> None:
    """One kernel is built, checked and priced."""
    path = tmp_path / "kernel.json"
    done = invoke(*KERNEL, "--weights", "4", "--activations", "4", "--json", path)
    assert done.exit_code == 0
    assert "equal to the numpy reference, bit for bit" in done.stdout
    validated(path, "kernel-1")
    result = read_result(path)
    assert isinstance(result, KernelResult)
    assert result.options["implementation"] == "w4a4"
    assert f"{result.run.cycles:,}" in done.stdout


def test_kernel_skips() -> None:
    """Options name the unrolled kernels as precisions do."""
    assert "w8a8-skip40" in invoke(*KERNEL, "--skip", "40").stdout
    assert "w8a8-unrolled" in invoke(*KERNEL, "--unrolled").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("kernel", "pool"), "operator 'pool'"),
        ((*KERNEL, "--weights", "3"), "precision 'w3a8'"),
        ((*KERNEL, "--place", "code=moon"), "moon"),
        ((*KERNEL, "--unrolled", "--profile", "ideal-m0plus"), "lacks the DSP extension"),
        ((*KERNEL, "--shape", "4x4"), "shape '4x4'"),
        ((*KERNEL, "--toolchain", "/no/such/cc"), "/no/such/cc"),
        ((*COMPARE, "--precisions", ","), "--precisions names none"),
        ((*COMPARE, "--profile", "z80"), "z80"),
        ((*COMPARE, "--chart", "rows.txt"), ".svg, .png, .pdf"),
    ],
)
def test_refuses_what_it_does_not_have(arguments: Sequence[str], said: str) -> None:
    """Wrong names exit with 2 before anything is built."""
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr


def test_help_lists_the_operators() -> None:
    """What the help of kernel and compare names is what there is."""
    assert tuple(OPERATORS) == OPERATOR_NAMES
    for command in ("kernel", "compare"):
        text = invoke(command, "--help").stdout
        assert all(name in text for name in OPERATOR_NAMES)


def test_compare_shows_the_usual_precisions_of_an_operator(tmp_path: Path) -> None:
    """Operators without weights have rows of their own kernels, without unrolled ones."""
    path = tmp_path / "rows.json"
    done = invoke("compare", "--operator", "maxpool", "--shape", "4x4x8", "--json", path)
    assert done.exit_code == 0
    result = read_result(path)
    assert isinstance(result, CompareResult)
    assert [row.options["implementation"] for row in result.rows] == ["a8", "a4", "a2", "a1"]


def test_compare(tmp_path: Path) -> None:
    """Rows stand side by side for every profile and placement, in a table, as JSON, as a chart."""
    path, chart = tmp_path / "rows.json", tmp_path / "rows.svg"
    profiles = (
        "--profiles",
        "nucleo-h743zi,ideal-m4",
        "--place",
        "default",
        "--place",
        "data=flash",
    )
    assert "flash" in invoke(*COMPARE, *profiles).stderr  # data cannot be written there
    profiles = (*profiles[:3], "default", "--place", "constants=flash")
    done = invoke(*COMPARE, *profiles, "--json", path, "--chart", chart)
    assert done.exit_code == 0
    assert f"Chart: {chart}" in done.stdout
    validated(path, "compare-1")
    result = read_result(path)
    assert isinstance(result, CompareResult)
    rows = [(row.run.profile, row.options["implementation"]) for row in result.rows]
    # The ideal core has its constants in flash anyway, so there the placements are one.
    assert rows == [
        (board, precision)
        for board in ("nucleo-h743zi", "nucleo-h743zi", "ideal-m4")
        for precision in ("w8a8", "w4a4")
    ]
    for row in result.rows:
        assert str(row.run.cycles) in done.stdout
    first = chart.read_bytes()
    write_chart(result, chart)
    assert chart.read_bytes() == first
    assert b"<svg" in first


def test_compare_goes_on_where_a_row_does_not_fit(tmp_path: Path) -> None:
    """A board that is too small is told with the memory and the bytes; other rows are measured."""
    path = tmp_path / "rows.json"
    done = invoke(
        "compare", "--shape", "40x40x32-32", "--kernel", "1x1", "--precisions", "w8a8,w1a1",
        "--profile", "stm32f746g-disco", "--json", path,
    )  # fmt: skip
    assert done.exit_code == 1
    result = read_result(path)
    assert isinstance(result, CompareResult)
    assert [row.options["implementation"] for row in result.rows] == ["w1a1"]
    (failure,) = result.failures
    assert (failure.kind, failure.implementation) == ("does not fit", "w8a8")
    assert "bytes of dtcm" in failure.reason
    assert "does not fit" in done.stdout
    validated(path, "compare-1")


def test_compare_fails_where_an_output_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong output is shown in its row and in the exit code."""
    import thumbclock.studies.compare as study  # noqa: PLC0415 - to be patched

    genuine = study.measure

    def wrong(*args: object, **kwargs: object) -> KernelResult:
        result = genuine(*args, **kwargs)  # type: ignore[arg-type]
        return result.model_copy(update={"mismatch_count": 1})

    monkeypatch.setattr(study, "measure", wrong)
    done = invoke(*COMPARE)
    assert done.exit_code == 1
    assert "wrong" in done.stdout
    assert "0 of 2 equal the numpy reference" in done.stdout


# the command itself


def test_version() -> None:
    """The version is the package's."""
    assert invoke("--version").stdout == f"thumbclock {thumbclock.__version__}\n"


def test_a_defect_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody expected is one line, and a traceback only where asked for."""

    def broken(_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("thumbclock.profiles.load_profile", broken)
    done = CliRunner().invoke(app, ["profiles", "ideal-m7"])
    assert done.exit_code == 70
    assert len(done.stderr.splitlines()) == 1
    assert "RuntimeError: boom" in done.stderr
    monkeypatch.setenv("THUMBCLOCK_DEBUG", "1")
    assert "Traceback" in CliRunner().invoke(app, ["profiles", "ideal-m7"]).stderr


def test_interrupt_is_one_line() -> None:
    """Ctrl-C ends a run with 130 and without a traceback; ``python -m`` works as the command."""
    command = [sys.executable, "-m", "thumbclock", "run", str(build_program("forever"))]
    environment = {**os.environ, "PYTHONPATH": str(Path(thumbclock.__file__).parent.parent)}
    with subprocess.Popen(
        [*command, "--profile", PROFILE],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests are a shell's background job, they ignore it, and so would their children.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
    assert errors == "thumbclock: interrupted\n"
    assert process.returncode == 130


def test_import_is_cheap_and_lazy() -> None:
    """Neither the package nor its help imports numpy, numba, unicorn, pydantic or matplotlib."""
    code = (
        "import sys, thumbclock, thumbclock.cli\n"
        "heavy = {'numpy', 'numba', 'unicorn', 'pydantic', 'matplotlib'} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_python_face() -> None:
    """Every name that the package offers is there, and no other."""
    for name in thumbclock.__all__:
        assert getattr(thumbclock, name) is not None
    assert set(thumbclock.__all__) <= set(dir(thumbclock))
    with pytest.raises(AttributeError, match="no_such_name"):
        thumbclock.no_such_name  # noqa: B018
