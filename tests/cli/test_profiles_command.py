"""``thumbclock profiles``: what it prints on narrow and wide terminals, and its JSON."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from thumbclock.cli.profiles import profiles
from thumbclock.errors import UsageError
from thumbclock.profiles import load_profile, profile_names
from thumbclock.result import ProfilesResult, read_result

APP = typer.Typer()
APP.command()(profiles)


def _output(monkeypatch: pytest.MonkeyPatch, columns: int, *arguments: str) -> str:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = CliRunner().invoke(APP, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_list(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Every profile has a row with its core and clock, within the terminal's width."""
    lines = _output(monkeypatch, columns).splitlines()
    assert max(map(len, lines)) <= columns
    for name in profile_names():
        profile = load_profile(name)
        row = next(line.split() for line in lines if line.startswith(f"{name} "))
        assert row[1:3] == [profile.core.name, f"{profile.clock_hz / 1e6:g}"]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", profile_names())
def test_details(monkeypatch: pytest.MonkeyPatch, name: str, columns: int) -> None:
    """Every number stands on a line with its unit and kind, every source tag has its citation."""
    profile = load_profile(name)
    text = _output(monkeypatch, columns, name)
    lines = text.splitlines()
    assert max(map(len, lines)) <= columns
    rows = [line.split() for line in lines]
    flowing = " ".join(text.split())
    for dotted, quantity in (*profile.board.numbers(), *profile.core.numbers()):
        short = dotted
        for table in ("electrical.", "pipeline.", "branch.", "accuracy.error."):
            short = short.removeprefix(table)
        if short.startswith(("memories.", "caches.")):
            short = short.split(".", 2)[2]
        row = next(row for row in rows if row and row[0] == short and quantity.kind in row)
        assert quantity.unit.split()[0] in row
        assert " ".join(quantity.note.split()) in flowing
    for tag, citation in {**profile.board.sources, **profile.core.sources}.items():
        assert f"{tag} {citation}" in flowing


def test_details_tell_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says which caches are enabled, and what running costs in both its parts."""
    text = " ".join(_output(monkeypatch, 120, "nucleo-f767zi").split())
    assert "cache icache (enabled; 16,384 bytes, 2-way, random replacement; fetches of" in text
    assert "cache art (enabled; 2,048 bytes, fully associative, lru replacement;" in text
    assert "run.1, run.2, run.3, run.4, run.5: code in flash, flash_itcm, sram1, sram2" in text
    assert "running at 216 MHz and 3.3 V" in text
    row = text[text.index("running from mA range static mA mA/MHz nJ/cycle") :]
    assert "flash 90 72 to 180 2.4 0.406 1.38" in row


def test_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet prints names for scripts, and nothing where one profile was asked for."""
    assert _output(monkeypatch, 80, "--quiet").split() == profile_names()
    assert _output(monkeypatch, 80, "ideal-m7", "--quiet") == ""


def test_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The JSON holds every number and citation that the profiles hold."""
    path = tmp_path / "profiles.json"
    _output(monkeypatch, 80, "--quiet", "--json", str(path))
    result = read_result(path)
    assert isinstance(result, ProfilesResult)
    assert [record.name for record in result.profiles] == profile_names()
    for record in result.profiles:
        profile = load_profile(record.name)
        expected = dict(profile.board.numbers())
        expected |= {f"core.{name}": number for name, number in profile.core.numbers()}
        found = {number.name: number for number in record.numbers}
        assert found.keys() == expected.keys()
        assert all(found[name].value == quantity.value for name, quantity in expected.items())
        assert {tag.strip() for n in record.numbers for tag in n.source.split(",")} == set(
            record.sources
        )
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == "thumbclock.profiles/1"


def test_unknown_name() -> None:
    """A wrong name is answered with the closest right one."""
    with pytest.raises(UsageError, match="did you mean ideal-m7"):
        profiles(name="ideal-m77")
