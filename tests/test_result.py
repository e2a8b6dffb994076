"""Results: their JSON form, the published schemas, and safe files."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

import thumbclock.result
from thumbclock.errors import UsageError
from thumbclock.result import (
    CompareResult,
    EnergyUj,
    ErrorStatistics,
    Exit,
    FaultReport,
    FunctionCost,
    Image,
    KernelResult,
    Mismatch,
    ModelError,
    ModelStatement,
    Precision,
    RunResult,
    Toolchain,
    ValidationResult,
    ValidationRow,
    json_schemas,
    read_result,
    write_result,
    write_schemas,
)

FIELDS = (
    "schema image profile toolchain clock_hz supply_v caches cache_misses cycles instructions "
    "time_us energy_uj stack_bytes ram_bytes flash_bytes exit functions stalls mix model"
)
SCHEMAS = Path(thumbclock.result.__file__).with_name("schemas")


def _run(**changes: Any) -> RunResult:
    fields: dict[str, Any] = {
        "image": Image(name="blink.elf", sha256="0" * 64),
        "profile": "ideal-m7",
        "toolchain": Toolchain(name="zig", version="0.17.0", flags=("-O3",)),
        "clock_hz": 100_000_000,
        "cycles": 250,
        "instructions": 300,
        "time_us": 2.5,
        "energy_uj": None,
        "stack_bytes": 64,
        "ram_bytes": 128,
        "flash_bytes": 512,
        "exit": Exit(reason="exit", code=0),
        "functions": (
            FunctionCost(
                name="main", calls=1, exclusive_cycles=50, inclusive_cycles=250, instructions=40
            ),
        ),
        "stalls": {"load_use": 20},
        "mix": {"load": 100, "alu": 200},
        "model": ModelStatement(version="0.1.0", core="cortex-m7", accuracy="not yet validated"),
    }
    return RunResult(**{**fields, **changes})


def _kernel(**changes: Any) -> KernelResult:
    fields: dict[str, Any] = {
        "operator": "conv",
        "precision": Precision(weights=4, activations=8),
        "shape": {"height": 8, "width": 8},
        "macs": 1000,
        "mac_per_cycle": 4.0,
        "checked": True,
        "run": _run(),
    }
    return KernelResult(**{**fields, **changes})


def _validation() -> ValidationResult:
    row: dict[str, Any] = {
        "name": "sort",
        "group": "cortex-m7",
        "image": Image(name="sort.elf", sha256="0" * 64),
        "profile": "ideal-m7",
        "core": "cortex-m7",
        "profile_sha256": "1" * 64,
        "clock_hz": 400_000_000,
        "supply_v": 3.3,
        "caches": ("icache", "dcache"),
        "cache_misses": {"icache": 12, "dcache": 3},
        "version": "0.1.0",
        "region": "call:sort(table,8) nth:2",
        "measured_cycles": 200,
        "estimated_cycles": None,
        "error_percent": None,
        "source": "MINE",
    }
    measured = {"estimated_cycles": 190.5, "error_percent": -4.75, "within_tolerance": True}
    errors = ErrorStatistics(
        group="cortex-m7",
        rows=1,
        mean_percent=4.75,
        worst_percent=4.75,
        worst_row="sort",
        bias_percent=-4.75,
    )
    return ValidationResult(
        title="sorting",
        suite="sorts",
        complete=True,
        rows=(
            ValidationRow(**{**row, **measured, "tolerance": "5 %"}),
            ValidationRow(**{**row, "name": "again", "failure": "BusFault"}),
        ),
        groups=(errors,),
        overall=errors,
        sources={"MINE": "a bench"},
    )


RESULTS = [
    _run(),
    _run(toolchain=None, energy_uj=EnergyUj(typical=2, low=1, high=3, basis="b"), stack_bytes=None),
    _run(
        exit=Exit(reason="fault"),
        fault=FaultReport(
            kind="BusFault",
            message="read of unmapped memory",
            address=0x0800_0100,
            registers={"r0": 0xFFFF_FFFF},
            last_calls=("main", "copy"),
        ),
        blocks=[{"address": 0, "bytes": 4, "count": 1, "cycles": 2}],
        calls=[{"caller": "main", "callee": "copy", "calls": 1, "cycles": 9}],
        layers=[{"name": "l", "operator": "conv", "cycles": 1, "instructions": 1}],
        memory_plan=[
            {
                "name": "b",
                "memory": "dtcm",
                "offset_bytes": 0,
                "size_bytes": 4,
                "first_layer": 0,
                "last_layer": 1,
            }
        ],
        timeline=[{"cycle": 0, "event": "enter", "function": "main"}],
        placement={"code": "itcm"},
    ),
    _kernel(),
    _kernel(
        mismatch_count=1,
        mismatches=(Mismatch(index=(0, 1), expected=3, actual=-4),),
        options={"skip": 0.5},
    ),
    CompareResult(title="precisions", rows=(_kernel(), _kernel())),
    _validation(),
    _run(
        model=ModelStatement(
            version="0.1.0",
            core="cortex-m4",
            accuracy="mean error 2.1 %",
            error=ModelError(
                figures=6,
                mean_percent=2.1,
                worst_percent=5,
                bias_percent=-0.3,
                suites=("CoreMark",),
                reports=("reports/validation/coremark.json",),
            ),
        )
    ),
]


def test_fields_of_a_run() -> None:
    """The JSON form has the documented fields in their order, and absent extras are left out."""
    document = json.loads(_run().model_dump_json(by_alias=True))
    assert " ".join(document) == FIELDS
    assert document["schema"] == "thumbclock.run/1"
    assert document["energy_uj"] is None
    assert document["exit"] == {"reason": "exit", "code": 0}


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.schema_id)
def test_round_trip_through_a_file(result: Any, tmp_path: Path) -> None:
    """What is written is what is read."""
    path = tmp_path / "result.json"
    write_result(result, path)
    assert read_result(path) == result


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.schema_id)
def test_published_schema_accepts_what_is_written(result: Any) -> None:
    """Documents satisfy their published schema, which insists on the schema field."""
    name = result.schema_id.removeprefix("thumbclock.").replace("/", "-")
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(result.model_dump_json(by_alias=True))
    jsonschema.validate(document, schema)
    del document["schema"]
    with pytest.raises(jsonschema.ValidationError, match="'schema' is a required property"):
        jsonschema.validate(document, schema)


def test_published_schemas_are_up_to_date() -> None:
    """Run ``python -m thumbclock.result`` where this fails, and review the difference."""
    published = {path.name: json.loads(path.read_text("utf-8")) for path in SCHEMAS.iterdir()}
    assert published == json_schemas()


def test_regeneration_writes_the_published_bytes(tmp_path: Path) -> None:
    """Regenerating leaves no difference for version control to show."""
    paths = write_schemas(tmp_path / "new")
    assert len(paths) == 8
    for path in paths:
        assert path.read_bytes() == (SCHEMAS / path.name).read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"cycles": -1},
        {"clock_hz": 0},
        {"time_us": float("inf")},
        {"image": {"name": "a", "sha256": "xyz"}},
        {"exit": {"reason": "bored"}},
        {"schema": "thumbclock.run/2"},
    ],
)
def test_impossible_values_are_refused(changes: dict[str, Any]) -> None:
    """Negative counts, infinities and other versions do not become results."""
    with pytest.raises(ValidationError):
        _run(**changes)


def test_reader_ignores_fields_of_later_writers() -> None:
    """A new optional field does not break an old reader."""
    document = json.loads(_run().model_dump_json(by_alias=True))
    assert RunResult.model_validate({**document, "wattage": 3}) == _run()


# ---------------------------------------------------------------- writing


def test_result_replaces_a_result(tmp_path: Path) -> None:
    """A later result replaces an earlier one and leaves nothing beside it."""
    path = tmp_path / "result.json"
    write_result(_run(), path)
    write_result(_run(cycles=7), path)
    replaced = read_result(path)
    assert isinstance(replaced, RunResult)
    assert replaced.cycles == 7
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize(
    "content",
    [b"precious", b"[1, 2]", b'{"schema": "other/1"}', b'{"a": 1}', b"\xff\xfe", b"[" * 9999],
)
def test_other_files_are_left_alone(content: bytes, tmp_path: Path) -> None:
    """A file that is no result survives, unless it is forced away."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no JSON result of thumbclock, so it is left alone"):
        write_result(_run(), path)
    assert path.read_bytes() == content
    write_result(_run(), path, force=True)
    assert read_result(path) == _run()


def test_empty_file_may_be_filled(tmp_path: Path) -> None:
    """An empty file, such as mktemp makes, is nobody's work."""
    path = tmp_path / "result.json"
    path.touch()
    write_result(_run(), path)
    assert read_result(path) == _run()


def test_link_stays_a_link(tmp_path: Path) -> None:
    """Writing through a symbolic link replaces what it points to."""
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    write_result(_run(), target)
    link.symlink_to(target)
    write_result(_run(cycles=9), link)
    assert link.is_symlink()
    assert read_result(target) == _run(cycles=9)


def test_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    """The detour over a partial file does not change permissions."""
    path, usual = tmp_path / "result.json", tmp_path / "usual"
    usual.touch()
    write_result(_run(), path)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="devices have names on POSIX only")
def test_device_is_written_to_and_stays() -> None:
    """A device is written to, not replaced by a file."""
    write_result(_run(), "/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_folder_and_missing_folder(tmp_path: Path) -> None:
    """A folder is no place for a result, nor is one that does not exist."""
    with pytest.raises(UsageError, match="it is a folder"):
        write_result(_run(), tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        write_result(_run(), tmp_path / "no" / "result.json")


def test_failed_write_leaves_the_old_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk costs neither the old result nor leaves half a new one."""
    path = tmp_path / "result.json"
    write_result(_run(), path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write_result(_run(cycles=8), path)
    assert read_result(path) == _run()
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "it names no schema"),
        ('{"schema": 3}', "its schema is 3"),
        ('{"schema": "other/1"}', "its schema is 'other/1', not thumbclock.run/1"),
        ('{"schema": "thumbclock.run/9"}', "written by another version of thumbclock"),
        (
            '{"schema": "thumbclock.run/1"}',
            "is not a valid thumbclock.run/1: image: Field required",
        ),
    ],
)
def test_unreadable_results(text: str, message: str, tmp_path: Path) -> None:
    """Each way in which a file is no result has its own message."""
    path = tmp_path / "result.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read_result(path)
    assert str(path) in str(error.value)
    assert message in str(error.value)


def test_missing_result(tmp_path: Path) -> None:
    """A missing file is an error of use."""
    with pytest.raises(UsageError, match=r"cannot read .*No such file"):
        read_result(tmp_path / "none.json")


def test_import_stays_light() -> None:
    """Profiles, energy and results load none of the heavy dependencies."""
    code = (
        "import sys, thumbclock.energy, thumbclock.result;"
        "print(sorted({'numpy', 'numba', 'unicorn', 'capstone', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
