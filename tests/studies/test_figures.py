"""Figures files: the language of regions, TOML and CSV, and what is said of a bad file."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thumbclock.cli.validate import validate
from thumbclock.errors import UsageError
from thumbclock.studies.figures import (
    Call,
    Figures,
    Region,
    Row,
    Span,
    Tolerance,
    Word,
    parse_region,
    parse_tolerance,
    read_figures,
)

PROJECT = Path(__file__).parents[2]
COMMITTED = PROJECT / "reports" / "validation"

TOML = """
title = "Two figures"
suite = "Small"

[defaults]
profile = "ideal-m4"
source = "MINE"

[[row]]
image = "a.elf"
region = "call:f(1, table) nth:2"
measured = 100

[[row]]
name = "marginal"
image = "a.elf"
region = { from = "start", to = "stop", nth = 3 }
measured = 2.5
group = "loops"
tolerance = "4 % or 6 cycles"
note = "see the text"
set = { n = 30 }
minus = { set = { n = 20 } }
per = 10

[sources]
MINE = "a bench of one's own"
"""

CSV = """\
image, profile, region, measured, source, name, group, tolerance, note, set, minus.set, per
a.elf, ideal-m4, "call:f(1, table) nth:2", 100, MINE, , , , , , ,
a.elf, ideal-m4, from:start to:stop nth:3, 2.5, MINE, marginal, loops, 4 % or 6 cycles, \
see the text, n=30, n=20, 10
"""


def read(tmp_path: Path, text: str, name: str = "figures.toml") -> Figures:
    """Read figures from a file of that text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_figures(path)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("run", Span()),
        ("from:a to:b", Span("a", "b")),
        ("to:b  from:a", None),
        ("from:0x8000100", Span("0x8000100")),
        ("to:done", Span(None, "done")),
        ("from:loop to:loop nth:7", Span("loop", "loop", 7)),
        ("call:f", Call("f")),
        ("call:f()", Call("f")),
        ("call:f(1, -2,table) nth:3 after:ready", Call("f", ("1", "-2", "table"), 3, "ready")),
        ("symbol:result", Word("result")),
        ("symbol:result[2] at:done", Word("result", 2, "done")),
    ],
)
def test_regions(text: str, region: Region | None) -> None:
    """Each form means what the documentation says; what leads says which form it is."""
    if region is None:
        with pytest.raises(ValueError, match="expected run, call:"):
            parse_region(text)
    else:
        assert parse_region(text) == region


@pytest.mark.parametrize(
    "text",
    ["", "all", "run now", "from:", "from:a to", "from:a from:b", "call:f(", "call:f at:g",
     "symbol:x[-1]", "symbol:x[1", "from:a nth:0", "from:a nth:two", "nth:2"],
)  # fmt: skip
def test_what_is_no_region(text: str) -> None:
    """Everything else is refused with the forms that there are."""
    with pytest.raises(ValueError, match="expected"):
        parse_region(text)


PLACES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.$]{0,9}|0x[0-9a-f]{1,8}", fullmatch=True)
COUNTS = st.integers(1, 1000)
REGIONS = st.one_of(
    st.builds(Span),
    st.builds(Span, PLACES, st.none() | PLACES, COUNTS),
    st.builds(Span, st.none(), PLACES),
    st.builds(
        Call,
        PLACES,
        st.lists(PLACES | st.integers(-9, 1 << 31).map(str), max_size=5).map(tuple),
        COUNTS,
        st.none() | PLACES,
    ),
    st.builds(Word, PLACES, st.integers(0, 99), st.none() | PLACES),
)


@given(REGIONS)
def test_regions_are_written_as_they_are_read(region: Region) -> None:
    """Results name a region by the words that a file would use."""
    assert parse_region(str(region)) == region


@given(st.floats(0, 1e3), st.floats(0, 1e3), st.floats(1, 1e6), st.floats(0, 2e6))
def test_tolerance_is_the_more_generous_of_two(
    percent: float, cycles: float, measured: float, estimated: float
) -> None:
    """So many percent or so many cycles: either is enough."""
    either = Tolerance(percent).allows(estimated, measured) or Tolerance(0.0, cycles).allows(
        estimated, measured
    )
    assert Tolerance(percent, cycles).allows(estimated, measured) == either


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [("4 %", Tolerance(4)), ("1.5%", Tolerance(1.5)), ("6 cycles or 4%", Tolerance(4, 6))],
)
def test_tolerances(text: str, tolerance: Tolerance) -> None:
    """A tolerance is written with its units, and is written as it can be read."""
    assert parse_tolerance(text) == tolerance
    assert parse_tolerance(str(tolerance)) == tolerance


@pytest.mark.parametrize("text", ["4", "4 percent", "-1 %", "1 % or 2 %", "%", ""])
def test_what_is_no_tolerance(text: str) -> None:
    """A bare number could be either, so it is neither."""
    with pytest.raises(ValueError, match=r"expected e\.g\. '4 %'"):
        parse_tolerance(text)


def test_toml(tmp_path: Path) -> None:
    """Tables, defaults and sources come together in rows."""
    figures = read(tmp_path, TOML)
    assert (figures.title, figures.suite) == ("Two figures", "Small")
    assert figures.sources == {"MINE": "a bench of one's own"}
    first, second = figures.rows
    assert first.label == "a call:f(1,table) nth:2"
    assert (first.profile, first.measured, first.per) == ("ideal-m4", 100, 1)
    assert second.region == Span("start", "stop", 3)
    assert second.measurement == "from:start to:stop nth:3 set:n=30 minus:n=20 per:10"
    assert second.tolerance == Tolerance(4, 6)


def test_csv_says_the_same(tmp_path: Path) -> None:
    """Whatever a TOML row can say, a line of CSV can, too."""
    toml, csv = read(tmp_path, TOML), read(tmp_path, CSV, "figures.csv")
    assert csv.rows == toml.rows
    assert csv.title == csv.suite == "figures"
    assert csv.places == ("line 2", "line 3")


def test_arguments_as_a_list(tmp_path: Path) -> None:
    """A table of a region may list the arguments of a call."""
    table = '{ call = "f", arguments = [1, "table"], nth = 2 }'
    figures = read(tmp_path, TOML.replace('"call:f(1, table) nth:2"', table))
    assert figures.rows[0].region == Call("f", ("1", "table"), 2)


def test_images_are_beside_the_file_or_where_told(tmp_path: Path) -> None:
    """The folder of the images is the file's, unless it is given."""
    figures = read(tmp_path, TOML)
    assert figures.images == tmp_path
    (tmp_path / "elsewhere").mkdir()
    assert read_figures(figures.path, tmp_path / "elsewhere").images == tmp_path / "elsewhere"
    with pytest.raises(UsageError, match=r"--images .*nowhere: there is no such folder"):
        read_figures(figures.path, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("measured = 100\n", "", "row 1 (a.elf): measured is missing; every row needs image"),
        ("measured = 2.5", "measured = -2.5", "row 2 (marginal): measured: Input should be great"),
        ("measured = 2.5", 'measured = "fast"', "row 2 (marginal): measured: Input should be a v"),
        ("measured = 2.5", "measured = nan", "row 2 (marginal): measured"),
        ('name = "marginal"', 'name = "a call:f(1,table) nth:2"', "row 1 has that name, too"),
        ('name = "marginal"', 'label = "marginal"', "row 2 (a.elf): label is unknown; expected"),
        ("nth = 3", "times = 3", "row 2 (marginal): region: region 'from:start to:stop times:3'"),
        ("nth = 3", "nth = 0", "nth:0: expected a number from 1 on"),
        ('region = { from', 'region = 3 #', "region: region '3': expected run"),
        ("{ n = 30 }", '"n"', "row 2 (marginal): set: 'n': expected SYMBOL=INTEGER"),
        ("{ n = 30 }", "{ n = 20 }", "minus: expected another image, or other values to set"),
        ('"4 % or 6 cycles"', "4", "row 2 (marginal): tolerance: tolerance '4': expected e.g."),
        ("per = 10", "per = 0", "row 2 (marginal): per: Input should be greater than 0"),
        ("[defaults]", "[default]", "default is unknown; expected title, suite, sources"),
        ("MINE = ", 'JNK = "x"\nMINE = ', "[sources] redefines JNK"),
        ("[defaults]", "[defaults", "is not valid TOML"),
        (TOML, 'title = "none"', "has no rows"),
    ],
)  # fmt: skip
def test_bad_toml(old: str, new: str, said: str, tmp_path: Path) -> None:
    """One message: the file, the row, what was found and what was expected."""
    assert old in TOML
    with pytest.raises(UsageError) as caught:
        read(tmp_path, TOML.replace(old, new, 1))
    assert str(caught.value).startswith(str(tmp_path / "figures.toml"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (" measured,", " cycles,", "line 1 has no column measured; expected image, profile"),
        (" note,", " remark,", "line 3 (marginal): remark is unknown"),
        (", 2.5,", ", ,", "line 3 (marginal): measured is missing"),
        (", 10\n", ", 10, 11\n", "line 3: expected 12 cells, as in line 1"),
        (", marginal,", ', "marginal,', "is not valid CSV"),
        (CSV, "", "line 1 has no column image, profile, region, measured, source"),
    ],
)
def test_bad_csv(old: str, new: str, said: str, tmp_path: Path) -> None:
    """The same for CSV, with the line."""
    assert old in CSV
    with pytest.raises(UsageError) as caught:
        read(tmp_path, CSV.replace(old, new, 1), "figures.csv")
    assert str(caught.value).startswith(str(tmp_path / "figures.csv"))
    assert said in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A file of another kind, none at all, and one that is no text."""
    with pytest.raises(UsageError, match=r"expected figures in a file that ends in \.toml or"):
        read_figures(tmp_path / "figures.json")
    with pytest.raises(UsageError, match="cannot read"):
        read_figures(tmp_path / "figures.toml")
    (tmp_path / "figures.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        read_figures(tmp_path / "figures.csv")


@pytest.mark.parametrize("path", sorted(COMMITTED.glob("*.toml")), ids=lambda path: path.stem)
def test_committed_figures(path: Path) -> None:
    """The files in reports/validation are valid, and every row cites sources that there are."""
    figures = read_figures(path)
    for row in figures.rows:
        assert {tag.strip() for tag in row.source.split(",")} <= figures.sources.keys()


def test_documented_examples(tmp_path: Path) -> None:
    """What the documentation shows can be read as it stands."""
    described = (COMMITTED / "README.md").read_text(encoding="utf-8")
    toml = re.search(r"```toml\n(\[\[row\]\].*?)```", described, re.DOTALL)
    csv = re.search(r"```\n(image,.*?)```", (PROJECT / "README.md").read_text("utf-8"), re.DOTALL)
    assert toml is not None
    assert csv is not None
    (row,) = read(tmp_path, toml[1]).rows
    assert row.measurement == "from:begin to:end set:blocks=30 minus:blocks=20 per:10"
    calls, span, word = (str(row.region) for row in read(tmp_path, csv[1], "f.csv").rows)
    assert (calls, span) == ("call:fir(samples,64) nth:2", "from:begin to:end")
    assert word == "symbol:cycles[2] at:done"


def test_every_key_is_documented() -> None:
    """The format's description and the help of the command name every key of a row."""
    described = (COMMITTED / "README.md").read_text(encoding="utf-8")
    help_text = validate.__doc__ or ""
    for key in Row.model_fields:
        assert f"`{key}`" in described
        assert re.search(rf"\b{key}\b", help_text), key
