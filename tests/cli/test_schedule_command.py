"""The schedule command: what it prints, writes and refuses."""

import json
from pathlib import Path

import jsonschema
from typer.testing import CliRunner, Result

import thumbclock
from thumbclock.cli import app

SCHEMA = Path(thumbclock.__file__).parent / "schemas" / "schedule-1.json"
SOURCE = """\
    .syntax unified
    .thumb
loop:
    ldr     r4, [r0], #4
    smlad   r8, r4, r5, r8
    ldr     r6, [r1], #4
    smlad   r9, r6, r5, r9
    subs    r3, r3, #1
    bne     loop
    bx      lr
"""


def invoke(*arguments: object) -> Result:
    """Run the command in this process and demand that it ends without a traceback."""
    done = CliRunner().invoke(app, ["schedule", *(str(argument) for argument in arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done


def source(folder: Path) -> Path:
    """Return a file with a loop whose loads do not stand together."""
    path = folder / "kernel.S"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def test_prints_and_writes_a_better_order(tmp_path: Path) -> None:
    """Cycles before and after, the pairs of a cycle, the assembly; --out and --json hold them."""
    out, result = tmp_path / "new.S", tmp_path / "result.json"
    path = source(tmp_path)
    done = invoke(
        path, "--loop", "loop", "-p", "ideal-m4,ideal-m7:2", "--out", out, "--json", result
    )
    assert done.exit_code == 0
    document = json.loads(result.read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    first, second = document["targets"]
    assert (first["profile"], second["weight"]) == ("ideal-m4", 2)
    assert first["floor_cycles"] <= first["after_cycles"] < first["before_cycles"]
    assert sum(len(cycle["instructions"]) for cycle in second["issue"]) == 6
    assert "ldr r4, [r0], #4" in done.stdout
    assert all(f"    {line}\n" in done.stdout for line in document["assembly"])
    assert path.read_text(encoding="utf-8") == SOURCE
    again = invoke(out, "--loop", "loop", "-p", "ideal-m4", "--steps", 1, "--json", result)
    assert again.exit_code == 0
    reread = json.loads(result.read_text(encoding="utf-8"))
    assert reread["targets"][0]["before_cycles"] == first["after_cycles"]


def test_leaves_files_alone(tmp_path: Path) -> None:
    """--out replaces a file when it is told to."""
    path = source(tmp_path)
    done = invoke(path, "--loop", "loop", "--out", path)
    assert done.exit_code == 2
    assert "--force" in done.stderr
    assert path.read_text(encoding="utf-8") == SOURCE
    assert (
        invoke(path, "--loop", "loop", "--out", path, "--force", "-q", "--steps", 500).exit_code
        == 0
    )
    assert "found by thumbclock schedule" in path.read_text(encoding="utf-8")


def test_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    """Each with one message that says what was expected."""
    path = source(tmp_path)
    for arguments, message in (
        (("--loop", "elsewhere"), "no label elsewhere; expected one (labels: loop)"),
        ((), "expected --loop LABEL"),
        (("--from", "loop"), "expected --loop LABEL"),
        (("--loop", "loop", "-p", "ideal-m4:0"), "expected a weight"),
        (("--loop", "loop", "-p", "ideal-m9"), "unknown profile"),
        (("--loop", "loop", "-p", "ideal-m4,ideal-m0"), "cortex-m0 has no cost for"),
        (("--loop", "loop", "--low-bits", "r0=9"), "expected REGISTER=0 to 7"),
        (("--loop", "loop", "--low-bits", "r0=²"), "expected REGISTER=0 to 7"),
        (("--loop", "loop", "--profile", "ideal-m4:²"), "expected a weight"),
        (("--loop", "loop", "--low-bits", "W=4"), "'W' is no register"),
    ):
        done = invoke(path, *arguments)
        assert done.exit_code == 2
        assert message in done.stderr
    assert invoke(tmp_path / "none.S", "--loop", "loop").exit_code == 2
