"""Profiles: schema, loading, errors, placements, and the shipped data itself."""

import pickle
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from thumbclock import assets
from thumbclock.errors import UsageError
from thumbclock.profiles import (
    ROLES,
    AccuracyStatement,
    Quantity,
    load_core,
    load_profile,
    parse_placement,
    profile_names,
)
from thumbclock.studies.figures import read_figures

NAMES = profile_names()
FILES = sorted(assets.path("profiles").glob("*/*.toml"))
CORES = [path.stem for path in FILES if path.parent.name == "cores"]
IDEAL = [name for name in NAMES if name.startswith("ideal-")]

BOARD = """
name = "mine"
title = "A board of one's own"
core = "cortex-m4"
summary = "For tests."

[clock_hz]
value = 64_000_000
unit = "Hz"
source = "MINE"
kind = "documented"

[placement]
code = "flash"
constants = "flash"
weights = "flash"
data = "ram"
stack = "ram"

[memories.flash]
kind = "flash"
executable = true
base = { value = 0x0800_0000, unit = "address", source = "MINE", kind = "documented" }
size_bytes = { value = 1024, unit = "byte", source = "MINE", kind = "documented" }
fetch_line_bytes = { value = 16, unit = "byte", source = "MINE", kind = "documented" }
fetch_wait_cycles = { value = 2, unit = "cycle", source = "MINE", kind = "documented" }
read_wait_cycles = { value = 2, unit = "cycle", source = "MINE", kind = "documented" }

[memories.ram]
kind = "sram"
executable = false
base = { value = 0x2000_0000, unit = "address", source = "MINE", kind = "documented" }
size_bytes = { value = 1024, unit = "byte", source = "MINE", kind = "documented" }
read_wait_cycles = { value = 0, unit = "cycle", source = "MINE", kind = "documented" }
write_wait_cycles = { value = 0, unit = "cycle", source = "MINE", kind = "documented" }

[sources]
MINE = "the author's own measurement"
"""


def _write(folder: Path, *edits: tuple[str, str]) -> Path:
    text = BOARD
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


# ---------------------------------------------------------------- the shipped data


def _numbers(node: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any] | None, Any]]:
    """Yield (place, table that states the number, number) for every number in a document."""
    if isinstance(node, dict):
        if isinstance(node.get("value"), int | float):
            yield where, node, node["value"]
            return
        for name, child in node.items():
            yield from _numbers(child, f"{where}.{name}")
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _numbers(child, f"{where}[{index}]")
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield where, None, node


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_number_has_unit_and_source(path: Path) -> None:
    """The raw files hold no bare number, no uncited one, and no estimate without its reasoning."""
    sources = tomllib.loads(assets.path("profiles", "sources.toml").read_text("utf-8"))
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    own = document.get("sources", {})
    found = list(_numbers(document))
    for where, quantity, number in found:
        assert quantity is not None, f"{where} = {number} has no unit and source"
        assert quantity["unit"].strip(), where
        assert quantity["kind"] in {"documented", "measured", "derived", "estimate"}, where
        for tag in quantity["source"].split(","):
            assert tag.strip() in {**sources, **own}, f"{where} cites {tag}"
        if quantity["kind"] == "estimate":
            assert quantity["note"].strip(), f"{where} is an estimate without a note"
    if path.parent.name == "boards":
        assert len(found) > 10


def test_no_source_is_left_over() -> None:
    """Every citation stands behind a number of a profile, or a figure measured on silicon."""
    profiles = [load_profile(name) for name in NAMES]
    cited = {tag for profile in profiles for tag in (*profile.board.sources, *profile.core.sources)}
    reports = Path(__file__).parent.parent / "reports" / "validation"
    cited |= {tag for path in reports.glob("*.toml") for tag in read_figures(path).sources}
    sources = tomllib.loads(assets.path("profiles", "sources.toml").read_text("utf-8"))
    assert sources.keys() == cited


def test_names() -> None:
    """The names are the boards' own, sorted, and no board is missing."""
    assert sorted(set(NAMES)) == NAMES
    boards = """
        imxrt1060 imxrt1170-m4 imxrt1180-m33 nrf52840 nucleo-f767zi nucleo-g0b1re nucleo-h743zi
        nucleo-h7a3zi-q nucleo-l4r5zi nucleo-u575zi-q rp2350 stm32f0 stm32f103 stm32f407g-disc1
        stm32f746g-disco
    """
    assert boards.split() == [name for name in NAMES if not name.startswith("ideal-")]


@pytest.mark.parametrize("name", NAMES)
def test_file_name_is_profile_name(name: str) -> None:
    """A profile is found under the name that it gives itself."""
    profile = load_profile(name)
    assert profile.name == profile.board.name == name
    assert profile.core.name == profile.board.core


@pytest.mark.parametrize("name", CORES)
def test_core_identity(name: str) -> None:
    """A core carries its names for Unicorn and the compilers, and states its accuracy."""
    core = load_core(name)
    assert core.name == core.mcpu.gcc == name
    assert core.unicorn_model == name.removesuffix("plus")  # Unicorn has no Cortex-M0+
    assert core.mcpu.zig.partition("+")[0] == name.replace("-", "_")
    assert core.dsp == (core.architecture not in ("Armv6-M", "Armv7-M"))
    assert "silicon" in core.accuracy.phrase


@pytest.mark.parametrize(
    ("name", "clock_hz", "fpu", "placement"),
    [
        ("nucleo-h743zi", 400_000_000, "fpv5-d16", "itcm dtcm dtcm dtcm dtcm"),
        ("stm32f746g-disco", 216_000_000, "fpv5-sp-d16", "itcm dtcm dtcm dtcm dtcm"),
        ("stm32f407g-disc1", 168_000_000, "fpv4-sp-d16", "flash flash flash sram1 sram1"),
        ("nucleo-l4r5zi", 120_000_000, "fpv4-sp-d16", "flash flash flash sram1 sram1"),
        ("imxrt1060", 600_000_000, "fpv5-d16", "itcm dtcm dtcm dtcm dtcm"),
        ("imxrt1170-m4", 392_727_273, "fpv4-sp-d16", "itcm dtcm dtcm dtcm dtcm"),
        ("imxrt1180-m33", 240_000_000, "fpv5-sp-d16", "itcm dtcm dtcm dtcm dtcm"),
        ("nrf52840", 64_000_000, "fpv4-sp-d16", "flash flash flash ram ram"),
        ("nucleo-f767zi", 216_000_000, "fpv5-d16", "itcm dtcm dtcm dtcm dtcm"),
        ("nucleo-g0b1re", 64_000_000, None, "flash flash flash sram sram"),
        ("nucleo-h7a3zi-q", 280_000_000, "fpv5-d16", "itcm dtcm dtcm dtcm dtcm"),
        ("nucleo-u575zi-q", 160_000_000, "fpv5-sp-d16", "flash flash flash sram1 sram1"),
        ("rp2350", 150_000_000, "fpv5-sp-d16", "flash flash flash sram sram"),
        ("stm32f0", 48_000_000, None, "flash flash flash sram sram"),
        ("stm32f103", 72_000_000, None, "flash flash flash sram sram"),
        ("ideal-m7", 100_000_000, "fpv5-d16", "flash flash flash dtcm dtcm"),
        ("ideal-m3", 100_000_000, None, "flash flash flash sram1 sram1"),
        ("ideal-m4", 100_000_000, "fpv4-sp-d16", "flash flash flash sram1 sram1"),
        ("ideal-m33", 100_000_000, "fpv5-sp-d16", "flash flash flash sram1 sram1"),
        ("ideal-m0", 100_000_000, None, "flash flash flash sram1 sram1"),
        ("ideal-m0plus", 100_000_000, None, "flash flash flash sram1 sram1"),
    ],
)
def test_boards(name: str, clock_hz: int, fpu: str | None, placement: str) -> None:
    """Clock, floating-point unit and default placement of each board."""
    profile = load_profile(name)
    assert profile.clock_hz == clock_hz
    assert profile.fpu == fpu
    names = [memory.name for _, memory in profile.board.default_placement.items()]
    assert names == placement.split()


@pytest.mark.parametrize("name", IDEAL)
def test_ideal_boards_never_wait(name: str) -> None:
    """Ideal boards have 4 MiB at three addresses without any wait."""
    board = load_profile(name).board
    assert [memory.base for memory in board.memories] == [0, 0x0800_0000, 0x2000_0000]
    for memory in board.memories:
        assert memory.size_bytes == 4 << 20
        assert memory.wait_cycles("fetch") == memory.wait_cycles("read") == 0
        if memory.writable:
            assert memory.wait_cycles("write") == 0
        assert memory.data_banks == (2 if name == "ideal-m7" else 1)
    assert board.electrical is None


@pytest.mark.parametrize("name", NAMES)
def test_memories_agree_with_their_kind(name: str) -> None:
    """Tightly coupled memory never waits, and only flash cannot be written."""
    for memory in load_profile(name).board.memories:
        assert memory.writable == (memory.kind != "flash")
        if memory.kind == "tcm":
            assert memory.wait_cycles("read") == memory.wait_cycles("write") == 0


def test_caches_off_costs_more_further_away() -> None:
    """Loads wait longer the more buses lie between core and memory."""
    board = load_profile("nucleo-h743zi").board
    waits = [board.memory(n).wait_cycles("read") for n in ("dtcm", "axi_sram", "flash", "sram1")]
    assert waits == sorted(waits)
    assert len(set(waits)) == len(waits)


# ---------------------------------------------------------------- memories


def test_memory_at_knows_aliases() -> None:
    """An address is found at a memory's base and aliases, and not behind its end."""
    board = load_profile("stm32f407g-disc1").board
    flash = board.memory("flash")
    assert board.memory_at(0x0000_0004) is board.memory_at(0x0800_0004) is flash
    assert board.memory_at(flash.end - 1) is flash
    assert board.memory_at(flash.end) is None
    assert flash.bases == (0x0800_0000, 0)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_memory_at_agrees_with_the_regions(name: str, data: st.DataObject) -> None:
    """At most one memory holds an address, and it is the one that is found."""
    board = load_profile(name).board
    edges = [edge for memory in board.memories for edge in (memory.base, memory.end)]
    near = st.sampled_from(edges).flatmap(
        lambda edge: st.integers(max(edge - 2, 0), min(edge + 2, 2**32 - 1))
    )
    address = data.draw(near | st.integers(0, 2**32 - 1))
    holders = [
        memory
        for memory in board.memories
        for base in memory.bases
        if base <= address < base + memory.size_bytes
    ]
    assert board.memory_at(address) is (holders[0] if holders else None)
    assert len(holders) <= 1


def test_access_that_a_memory_does_not_allow() -> None:
    """Waits of an access that cannot happen are refused."""
    board = load_profile("stm32f407g-disc1").board
    with pytest.raises(UsageError, match="ccm does not allow fetch; it allows read, write"):
        board.memory("ccm").wait_cycles("fetch")
    with pytest.raises(UsageError, match="flash does not allow write; it allows fetch, read"):
        board.memory("flash").wait_cycles("write")


def test_profiles_travel_between_processes() -> None:
    """Profiles can be pickled, and memories can be keys."""
    profile = load_profile("nucleo-h743zi")
    assert pickle.loads(pickle.dumps(profile)) == profile
    assert len(set(profile.board.memories)) == 8


# ---------------------------------------------------------------- names and files


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nucleo-h743", "did you mean nucleo-h743zi?"),
        ("IDEAL-M7", "did you mean ideal-m7?"),
        ("toaster", "there are ideal-m"),
    ],
)
def test_unknown_profile(name: str, hint: str) -> None:
    """A wrong name is answered with the closest right one and the list."""
    with pytest.raises(UsageError, match=re.escape(hint)):
        load_profile(name)


def test_unknown_core() -> None:
    """So is a wrong core."""
    with pytest.raises(UsageError, match=r"unknown core 'cortex-m8'.*did you mean cortex-m"):
        load_core("cortex-m8")


def test_board_file_of_ones_own(tmp_path: Path) -> None:
    """A path loads a board that does not come with thumbclock."""
    path = _write(tmp_path)
    for given_path in (path, str(path)):
        profile = load_profile(given_path)
        assert profile.name == "mine"
        assert profile.core.name == "cortex-m4"
        assert profile.board.sources == {"MINE": "the author's own measurement"}


def test_core_file_beside_the_board(tmp_path: Path) -> None:
    """A board may name a core file beside it, and a core may lack an FPU."""
    core = assets.path("profiles", "cores", "cortex-m4.toml").read_text(encoding="utf-8")
    edited = core.replace('name = "cortex-m4"', 'name = "my-m4"').replace("fpv4-sp-d16", "none")
    (tmp_path / "my-m4.toml").write_text(edited, encoding="utf-8")
    profile = load_profile(_write(tmp_path, ('core = "cortex-m4"', 'core = "my-m4.toml"')))
    assert profile.core.name == "my-m4"
    assert profile.core.fpu is None
    assert profile.fpu is None


def test_missing_file(tmp_path: Path) -> None:
    """A path that leads nowhere is an error of use."""
    with pytest.raises(UsageError, match="no profile file at"):
        load_profile(tmp_path / "none.toml")


def test_file_that_is_no_text(tmp_path: Path) -> None:
    """So is a file that is no text."""
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8 text: byte 0"):
        load_profile(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "mine"', "name =", "is not valid TOML"),
        ('title = "A', 'titel = "A', "title: Field required"),
        ('title = "A', 'titel = "A', "titel: Extra inputs are not permitted"),
        ("value = 64_000_000", "value = 64e6", "clock_hz is a whole number of Hz"),
        ('unit = "Hz"', 'unit = "MHz"', "clock_hz is a whole number of Hz"),
        ("value = 0x0800_0000", "value = '0x08000000'", "memories.flash.base.value: "),
        ("value = 0x0800_0000", "value = -4", "whole number of at least 0, found -4"),
        ("value = 0x0800_0000", "value = 0xffff_fff0", "are no 32-bit region"),
        ("value = 0x0800_0000", "value = 0x0800_0008", "not aligned to fetch_line_bytes"),
        ("value = 0x0800_0000", "value = 0x0800_0100", "not a multiple of 4096"),
        ("value = 0x0800_0000", "value = 0x2000_0000", "memories flash and ram overlap at"),
        ("value = 16", "value = 12", "fetch_line_bytes is 12; expected a power of two"),
        ('2, unit = "cycle"', '2, unit = "ns"', "fetch_wait_cycles is in ns"),
        ('2, unit = "cycle"', '5_000_000_000, unit = "cycle"', "expected at most 10000"),
        ('kind = "flash"', 'kind = "sram"', "write_wait_cycles belongs to every memory"),
        ("executable = false", "executable = true", "belong to every executable memory"),
        ('stack = "ram"\n', "", "placement lacks stack"),
        ('data = "ram"', 'data = "rom"', "default placement: mine has no memory 'rom'"),
        ('code = "flash"', 'code = "ram"', "default placement: code=ram: mine cannot fetch"),
        ('data = "ram"', 'heap = "ram"', "placement.heap"),
        ("MINE = ", "YOURS = ", "cites 'MINE', which no source has"),
        ("MINE = ", 'JNK = "x"\nMINE = ', "[sources] redefines JNK"),
        ('kind = "documented" }', 'kind = "guess" }', "kind: Input should be 'documented'"),
        ('kind = "documented" }', 'kind = "estimate" }', "an estimate needs a note"),
    ],
)
def test_bad_board_file(tmp_path: Path, old: str, new: str, message: str) -> None:
    """One message names the file, the place in it and what is wrong."""
    path = _write(tmp_path, (old, new))
    with pytest.raises(UsageError) as error:
        load_profile(path)
    assert str(path) in str(error.value)
    assert message in str(error.value)


ELECTRICAL = """
[electrical]
regulator = "ldo"
supply_v = { value = 3.3, unit = "V", source = "MINE", kind = "documented" }
min_supply_v = { value = 1.8, unit = "V", source = "MINE", kind = "documented" }
max_supply_v = { value = 3.6, unit = "V", source = "MINE", kind = "documented" }
static_ma = { value = 1.0, unit = "mA", source = "MINE", kind = "documented" }
[[electrical.run]]
code = ["flash"]
clock_hz = { value = 64_000_000, unit = "Hz", source = "MINE", kind = "documented" }
current_ma = { value = 10.0, unit = "mA", source = "MINE", kind = "documented" }
[[electrical.run]]
code = ["flash"]
clock_hz = { value = 128_000_000, unit = "Hz", source = "MINE", kind = "documented" }
current_ma = { value = 30.0, unit = "mA", source = "MINE", kind = "documented" }
[electrical.access_pj]
"flash.read" = { value = 5, unit = "pJ", source = "MINE", kind = "documented" }
[electrical.instruction_pj]
multiply = { value = 3, unit = "pJ", source = "MINE", kind = "documented" }
[electrical.modes.sleep]
current_ua = { value = 2000, unit = "uA", source = "MINE", kind = "documented" }
clock_hz = { value = 64_000_000, unit = "Hz", source = "MINE", kind = "documented" }
[electrical.modes.stop]
current_ua = { value = 10, low = 5, high = 20, unit = "uA", source = "MINE", kind = "documented" }
"""

CACHED = """
miss_cycles = { value = 3, unit = "cycle", source = "MINE", kind = "documented" }
miss_rest_cycles = { value = 4, low=2, high=6, unit = "cycle", source = "MINE", kind = "measured" }
cycles_per_wait_state = { value = 2, unit = "cycle", source = "MINE", kind = "documented" }
rest_cycles_per_wait_state = { value = 1, unit = "cycle", source = "MINE", kind = "documented" }
[[memories.flash.wait_states]]
min_supply_v = { value = 2.7, unit = "V", source = "MINE", kind = "documented" }
limits_hz = [
    { value = 32_000_000, unit = "Hz", source = "MINE", kind = "documented" },
    { value = 64_000_000, unit = "Hz", source = "MINE", kind = "documented" },
    { value = 96_000_000, unit = "Hz", source = "MINE", kind = "documented" },
]
[[memories.flash.wait_states]]
min_supply_v = { value = 2.0, unit = "V", source = "MINE", kind = "documented" }
limits_hz = [
    { value = 16_000_000, unit = "Hz", source = "MINE", kind = "documented" },
    { value = 32_000_000, unit = "Hz", source = "MINE", kind = "documented" },
    { value = 64_000_000, unit = "Hz", source = "MINE", kind = "documented" },
]
[caches.icache]
serves = "fetch"
memories = ["flash"]
policy = "lru"
writes = "none"
line_bytes = { value = 16, unit = "byte", source = "MINE", kind = "documented" }
lines = { value = 64, unit = "line", source = "MINE", kind = "documented" }
ways = { value = 2, unit = "way", source = "MINE", kind = "documented" }
prefetch = { value = false, unit = "flag", source = "MINE", kind = "documented" }
at_reset = { value = false, unit = "flag", source = "MINE", kind = "documented" }
usual = { value = true, unit = "flag", source = "MINE", kind = "documented" }
"""
FLASH_READ = (
    'read_wait_cycles = { value = 2, unit = "cycle", source = "MINE", kind = "documented" }'
)


def _write_full(folder: Path, *edits: tuple[str, str]) -> Path:
    """Write a board with a cache, wait states and electrical figures."""
    text = BOARD.replace(FLASH_READ, FLASH_READ + CACHED)
    text = text.replace("[sources]", ELECTRICAL + "\n[sources]")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "full.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('supply_v = { value = 3.3, unit = "V"', 'supply_v = { value = 3.3, unit = "mV"', "supply"),
        ("value = 10.0", "value = 0", "current_ma is 0 mA; expected mA > 0"),
        ('code = ["flash"]', 'code = ["ram"]', "it differs in ram"),
        ("value = 3.3", "value = 3.7", "supply_v is 3.7 V, outside min_supply_v 1.8 to"),
        ("value = 128_000_000", "value = 64_000_000", "expected them to rise"),
        ('"flash.read" =', '"rom.read" =', "access_pj.rom.read: expected a memory and an access"),
        ("value = 2000", "value = -1", "current_ua is -1 uA; expected uA > 0"),
    ],
)
def test_bad_electrical_table(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Electrical figures have the right units, rise with the clock and cover the memories."""
    path = _write_full(tmp_path, (old, new))
    with pytest.raises(UsageError, match=re.escape(message)):
        load_profile(path)


# ---------------------------------------------------------------- caches and operating points


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('memories = ["flash"]', 'memories = ["rom"]', "serves 'rom', which no memory is named"),
        ('memories = ["flash"]', 'memories = ["ram"]', "ram, which lacks miss_cycles"),
        ('memories = ["flash"]', "memories = []", "memories names each memory once"),
        ("[caches.icache]", "[caches.off]", "caches.off: usual, reset, on, off stand for choices"),
        ('writes = "none"', 'writes = "back"', "a cache of fetches is never written"),
        ('value = 64, unit = "line"', 'value = 16384, unit = "line"',
         "1 caches with 16384 lines; at most 4 with 8192 lines in all can be simulated"),
        ('value = 64, unit = "line"', 'value = 48, unit = "line"', "48 lines in 2 ways; expected"),
        ('value = 16, unit = "byte", source = "MINE", kind = "documented" }\nlines',
         'value = 12, unit = "byte", source = "MINE", kind = "documented" }\nlines',
         "line_bytes is 12; expected a power of two"),
        ('value = 2, unit = "way"', 'value = 0, unit = "way"', "ways is 0; expected at least 1"),
        ("value = false", "value = 0", "prefetch is 0; expected true or false"),
        ("value = 32_000_000", "value = 64_000_000", "expected at least one, each above the last"),
        ("value = 2.0", "value = 2.7", "two wait_states tables have one min_supply_v"),
        ("cycles_per_wait_state", "rest_cycles_per_wait_state", "is not valid TOML"),
        ("value = 96_000_000", "value = 64_000_000", "each above the last"),
        ("value = 64_000_000", "value = 97_000_000",
         "default clock and supply: mine does not run at 97 MHz: flash allows at most 96 MHz"),
    ],
)  # fmt: skip
def test_bad_caches_and_wait_states(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Each mistake in a cache or a table of wait states has its own message."""
    path = _write_full(tmp_path, (old, new))
    with pytest.raises(UsageError, match=re.escape(message)):
        load_profile(path)


def test_memory_behind_two_caches(tmp_path: Path) -> None:
    """Two caches for the same accesses of a memory would be ambiguous."""
    twice = CACHED[CACHED.index("[caches.icache]") :].replace("icache", "other")
    path = _write_full(tmp_path, ("[electrical]", twice + "[electrical]"))
    with pytest.raises(UsageError, match="caches icache and other both serve fetch of flash"):
        load_profile(path)


def test_more_memories_than_can_be_told_apart(tmp_path: Path) -> None:
    """Sixteen memories are refused."""
    ram = BOARD[BOARD.index("[memories.ram]") : BOARD.index("[sources]")]
    more = "".join(
        ram.replace("memories.ram", f"memories.ram{n}").replace("0x2000_", f"0x3{n:03x}_")
        for n in range(14)
    )
    with pytest.raises(UsageError, match="16 memories; expected at most 15"):
        load_profile(_write(tmp_path, ("[sources]", more + "[sources]")))


def test_misses_without_a_cache(tmp_path: Path) -> None:
    """A memory that no cache serves has no misses."""
    full = _write_full(tmp_path).read_text(encoding="utf-8")
    path = tmp_path / "uncached.toml"
    start, end = full.index("[caches.icache]"), full.index("[memories.ram]")
    path.write_text(full[:start] + full[end:], encoding="utf-8")
    with pytest.raises(UsageError, match="flash has miss_cycles, but no cache serves it"):
        load_profile(path)


def test_cache_of_a_board(tmp_path: Path) -> None:
    """A cache has its geometry, its memories and its numbers."""
    board = load_profile(_write_full(tmp_path)).board
    (cache,) = board.caches
    assert (cache.name, cache.serves, cache.memories) == ("icache", "fetch", ("flash",))
    assert (cache.line_bytes, cache.lines, cache.ways, cache.sets) == (16, 64, 2, 32)
    assert cache.size_bytes == 1024
    assert not cache.prefetch
    names = [name for name, _ in board.numbers()]
    assert "caches.icache.line_bytes" in names
    assert "memories.flash.miss_cycles" in names
    assert "memories.flash.wait_states.1.limits_hz.0" in names
    assert "electrical.run.1.current_ma" in names
    assert "electrical.modes.stop.current_ua" in names


@pytest.mark.parametrize(
    ("board", "text", "names"),
    [
        ("nucleo-h743zi", "usual", "icache dcache"),
        ("nucleo-h743zi", "reset", ""),
        ("nucleo-h743zi", "on", "icache dcache"),
        ("nucleo-h743zi", "off", ""),
        ("nucleo-h743zi", "dcache, icache", "icache dcache"),
        ("nucleo-h743zi", "dcache", "dcache"),
        ("nucleo-l4r5zi", "reset", "art_code art_data"),
        ("ideal-m4", "usual", ""),
        ("ideal-m4", "on", ""),
    ],
)
def test_choice_of_caches(board: str, text: str, names: str) -> None:
    """A state by its name, or caches by theirs, whatever their order."""
    enabled = load_profile(board, caches=text).board.enabled_caches
    assert " ".join(cache.name for cache in enabled) == names


@pytest.mark.parametrize(
    ("board", "text", "message"),
    [
        ("nucleo-h743zi", "icahe", "has no cache 'icahe' (did you mean icache?)"),
        ("nucleo-h743zi", "icache,", "has no cache ''; it has icache, dcache"),
        ("ideal-m4", "icache", "it has none. Give names of them, or one of usual, reset, on, off"),
    ],
)
def test_unknown_cache(board: str, text: str, message: str) -> None:
    """A cache that is not there is answered with those that are."""
    with pytest.raises(UsageError, match=re.escape(message)):
        load_profile(board, caches=text)


@pytest.mark.parametrize(
    ("clock_mhz", "supply_v", "states"),
    [
        (64, None, 1),
        (64, 3.3, 1),
        (32, 3.3, 0),
        (33, 2.7, 1),
        (96, 2.7, 2),
        (64, 2.69, 2),
        (16, 2.0, 0),
        (17, 2.0, 1),
    ],
)
def test_waits_follow_wait_states(
    tmp_path: Path, clock_mhz: int, supply_v: float | None, states: int
) -> None:
    """Waits move by the difference in wait states times the cycles of each, never below 0."""
    path = _write_full(tmp_path)
    board = load_profile(path, clock_hz=clock_mhz * 1_000_000, supply_v=supply_v).board
    flash, ram = board.memory("flash"), board.memory("ram")
    assert flash.wait_cycles("fetch") == flash.wait_cycles("read") == 2 + 2 * (states - 1)
    assert flash.miss_cycles is not None
    assert flash.miss_rest_cycles is not None
    assert flash.miss_cycles.integer == 3 + 2 * (states - 1)
    assert flash.miss_rest_cycles.interval == (2 + states - 1, 4 + states - 1, 6 + states - 1)
    assert flash.quantities["miss_cycles"] == flash.miss_cycles
    kind = "documented" if states == 1 else "derived"
    assert flash.miss_cycles.kind == kind
    assert ram.wait_cycles("read") == 0
    assert board.clock_hz.integer == clock_mhz * 1_000_000
    assert board.clock_hz.kind == ("documented" if clock_mhz == 64 else "derived")
    assert board.electrical is not None
    assert board.electrical.supply_v.value == (supply_v or 3.3)


def test_waits_are_never_negative(tmp_path: Path) -> None:
    """A wait that is smaller than the wait states it is moved by ends at 0."""
    slow = ('value = 2, unit = "cycle"', 'value = 1, unit = "cycle"')
    board = load_profile(_write_full(tmp_path, slow), clock_hz=1_000_000).board
    assert board.memory("flash").wait_cycles("fetch") == 0


@pytest.mark.parametrize(
    ("board", "clock_hz", "supply_v", "message"),
    [
        ("stm32f407g-disc1", 169_000_000, None, "flash allows at most 168 MHz at 3.3 V"),
        ("stm32f407g-disc1", None, 1.9, "does not run at 168 MHz: flash allows at most 160 MHz"),
        ("stm32f407g-disc1", None, 1.7, "choose a supply from 1.8 to 3.6 V"),
        ("stm32f407g-disc1", None, 3.7, "choose a supply from 1.8 to 3.6 V"),
        ("stm32f407g-disc1", 0, None, "a clock of 0 Hz; expected a clock above 0"),
        ("stm32f407g-disc1", 10**12, None, "a clock of 1e+12 Hz; expected a clock above 0"),
        ("nrf52840", 32_000_000, None, "at least 64 MHz and at most 64 MHz"),
        ("imxrt1060", 601_000_000, None, "does not run at 601 MHz; choose at most 600 MHz"),
        ("ideal-m4", None, 3.3, "a supply of 3.3 V means nothing"),
        ("rp2350", None, 3.3, "a supply of 3.3 V means nothing"),
    ],
)
def test_impossible_operating_point(
    board: str, clock_hz: int | None, supply_v: float | None, message: str
) -> None:
    """A clock or supply that the board does not run at is refused, with what it does run at."""
    with pytest.raises(UsageError, match=re.escape(message)):
        load_profile(board, clock_hz=clock_hz, supply_v=supply_v)


def test_supply_below_every_table(tmp_path: Path) -> None:
    """A supply at which a memory has no wait states stated is refused."""
    with pytest.raises(UsageError, match=r"does not run at 1\.9 V: flash needs at least 2 V"):
        load_profile(_write_full(tmp_path), supply_v=1.9)


def test_clock_of_an_ideal_board() -> None:
    """An ideal board runs at any clock."""
    assert load_profile("ideal-m4", clock_hz=3).clock_hz == 3


def test_memory_on_its_own_clock() -> None:
    """A serial flash on its own clock takes the same time, so fewer cycles of a slower CPU."""
    fast = load_profile("imxrt1060").board
    slow = load_profile("imxrt1060", clock_hz=300_000_000).board
    assert fast.memory("flash").wait_cycles("read") == 240
    assert slow.memory("flash").wait_cycles("read") == 120
    assert slow.memory("ocram") == fast.memory("ocram")


@pytest.mark.parametrize("name", NAMES)
def test_caches_and_memories_fit(name: str) -> None:
    """Misses cost at least what the wait states add, and prices stay ordered over the clock."""
    board = load_profile(name).board
    for memory in board.memories:
        assert (memory.miss_cycles is not None) == any(
            memory.name in cache.memories for cache in board.caches
        )
    tables = [memory for memory in board.memories if memory.wait_states]
    if not tables:
        return
    before: dict[str, int] = {}
    for limit in tables[0].wait_states[0].limits_hz:
        if limit.integer <= board.clock_hz.integer:
            point = load_profile(name, clock_hz=limit.integer).board
            for memory in point.memories:
                assert memory.miss_cycles is None or memory.miss_cycles.integer >= 0
                assert memory.wait_cycles("read") >= before.get(memory.name, 0)
                before[memory.name] = memory.wait_cycles("read")


def test_documented_wait_states() -> None:
    """Spot checks against the manuals: F407 at 1.8 V, H743 at 480 MHz, L4R5 and F103 slowed."""
    f407 = load_profile("stm32f407g-disc1", clock_hz=120_000_000, supply_v=2.0).board
    assert f407.memory("flash").wait_cycles("fetch") == 5
    assert (
        load_profile("stm32f407g-disc1", clock_hz=30_000_000)
        .board.memory("flash")
        .wait_cycles("read")
        == 0
    )
    h743 = load_profile("nucleo-h743zi", clock_hz=480_000_000).board
    assert h743.memory("flash").wait_cycles("read") == 13 + 2 * 2
    l4r5 = load_profile("nucleo-l4r5zi", clock_hz=80_000_000).board
    assert l4r5.memory("flash").wait_cycles("read") == 3
    f103 = load_profile("stm32f103", clock_hz=24_000_000).board
    assert f103.memory("flash").wait_cycles("fetch") == 0


@pytest.mark.parametrize(
    ("board", "sizes"),
    [
        ("nucleo-h743zi", {"icache": 16384, "dcache": 16384}),
        ("nucleo-h7a3zi-q", {"icache": 16384, "dcache": 16384}),
        ("nucleo-f767zi", {"icache": 16384, "dcache": 16384, "art": 2048}),
        ("stm32f746g-disco", {"icache": 4096, "dcache": 4096, "art": 2048}),
        ("imxrt1060", {"icache": 32768, "dcache": 32768}),
        ("stm32f407g-disc1", {"art_code": 1024, "art_data": 128}),
        ("nucleo-l4r5zi", {"art_code": 1024, "art_data": 256}),
        ("nucleo-u575zi-q", {"icache": 8192}),
        ("rp2350", {"xip": 16384}),
        ("nrf52840", {"icache": 2048}),
        ("stm32f103", {"prefetch": 16}),
    ],
)
def test_cache_sizes(board: str, sizes: dict[str, int]) -> None:
    """Caches are as large as their makers say."""
    caches = load_profile(board).board.caches
    assert {cache.name: cache.size_bytes for cache in caches} == sizes


def test_number_of_a_core(tmp_path: Path) -> None:
    """A core's numbers are found by name in both tables, or missed by name."""
    text = assets.path("profiles", "cores", "cortex-m4.toml").read_text(encoding="utf-8")
    head = text[: text.index("[accuracy]")]
    path = tmp_path / "core.toml"
    path.write_text(
        head
        + """
[accuracy]
status = "for tests"
[pipeline]
load_cycles = { value = 2, unit = "cycle", source = "TRM-M4", kind = "documented" }
fraction = { value = 2.4, unit = "cycle", source = "TRM-M4", kind = "documented" }
[branch]
refill_cycles = { value = 0, unit = "cycle", source = "TRM-M4", kind = "documented" }
""",
        encoding="utf-8",
    )
    core = load_core(path)
    assert core.number("load_cycles") == 2
    assert core.number("refill_cycles") == 0
    assert [name for name, _ in core.numbers()] == [
        "pipeline.load_cycles",
        "pipeline.fraction",
        "branch.refill_cycles",
    ]
    assert core.sources.keys() == {"TRM-M4"}
    with pytest.raises(UsageError, match=r"no number 'load_cycle'.*did you mean load_cycles"):
        core.number("load_cycle")
    with pytest.raises(UsageError, match=r"2\.4 cycle .* whole number"):
        core.number("fraction")


ERROR = """
[accuracy.error]
suites = ["CoreMark"]
reports = ["reports/validation/coremark.json"]
figures = { value = 6, unit = "figure", source = "COREMARK-RT", kind = "derived" }
mean_percent = { value = 2.1, unit = "%", source = "COREMARK-RT", kind = "derived" }
worst_percent = { value = 5.0, unit = "%", source = "COREMARK-RT, JNK-AES", kind = "derived" }
bias_percent = { value = -0.3, unit = "%", source = "COREMARK-RT", kind = "derived" }
"""


def test_measured_accuracy(tmp_path: Path) -> None:
    """The error on silicon is numbers like all others, with unit and source, and a phrase."""
    text = assets.path("profiles", "cores", "cortex-m4.toml").read_text(encoding="utf-8")
    path = tmp_path / "core.toml"
    head = text[: text.index("[accuracy]")]
    path.write_text(f"{head}{ERROR}[pipeline]\n[branch]\n", encoding="utf-8")
    core = load_core(path)
    assert core.accuracy.phrase == (
        "mean error 2.1 %, worst 5.0 % over 6 figures measured on silicon (CoreMark)"
    )
    numbers = dict(core.numbers())
    assert numbers["accuracy.error.bias_percent"].value == -0.3
    assert core.sources.keys() == {"COREMARK-RT", "JNK-AES"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[accuracy]\nstatus = "good"\n' + ERROR, "not both"),
        ('[accuracy]\ndetail = "unknown"\n', "expected a status, or an error table"),
        (ERROR.replace('6, unit = "figure"', '6, unit = "row"'), "figures is in row; expected uni"),
        (ERROR.replace('2.1, unit = "%"', '2.1, unit = "cycle"'), "mean_percent is in cycle"),
        (ERROR.replace('["CoreMark"]', "[]"), "suites"),
    ],
)
def test_bad_accuracy(text: str, said: str) -> None:
    """An accuracy is either known or not, and in percent."""
    with pytest.raises(ValidationError, match=re.escape(said)):
        AccuracyStatement.model_validate(tomllib.loads(text)["accuracy"])


def test_core_number_stands_in_one_table(tmp_path: Path) -> None:
    """A name in both tables would be ambiguous."""
    text = assets.path("profiles", "cores", "cortex-m4.toml").read_text(encoding="utf-8")
    twice = '\nx = { value = 2, unit = "cycle", source = "TRM-M4", kind = "documented" }\n'
    path = tmp_path / "core.toml"
    head = text[: text.index("[pipeline]")]
    path.write_text(f"{head}[pipeline]{twice}[branch]{twice}", encoding="utf-8")
    with pytest.raises(UsageError, match=r"x stands in both \[pipeline\] and \[branch\]"):
        load_core(path)


# ---------------------------------------------------------------- quantities


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"low": 3}, "low 3 is above the value 2"),
        ({"high": 1}, "high 1 is below the value 2"),
        ({"kind": "estimate"}, "needs a note"),
        ({"kind": "estimate", "note": "  "}, "needs a note"),
        ({"source": "A,,B"}, "empty tag"),
        ({"unit": ""}, "at least 1 character"),
        ({"value": float("nan")}, "finite number"),
        ({"value": "2"}, "valid"),
    ],
)
def test_bad_quantity(fields: dict[str, Any], message: str) -> None:
    """A quantity that contradicts itself or lacks evidence is refused."""
    good: dict[str, Any] = {"value": 2, "unit": "cycle", "source": "A", "kind": "documented"}
    Quantity(**good)
    with pytest.raises(ValidationError, match=message):
        Quantity(**{**good, **fields})


@given(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3).map(sorted))
def test_interval_keeps_its_order(ends: list[float]) -> None:
    """Any ordered triple is a valid interval and comes back unchanged."""
    low, value, high = ends
    quantity = Quantity(value=value, low=low, high=high, unit="V", source="A, B", kind="measured")
    assert quantity.interval == (low, value, high)
    assert quantity.tags == ("A", "B")


def test_booleans_stay_booleans() -> None:
    """A boolean is not silently a 1."""
    quantity = Quantity(value=True, unit="flag", source="A", kind="documented")
    assert quantity.value is True
    with pytest.raises(UsageError, match="whole number"):
        _ = quantity.integer


# ---------------------------------------------------------------- placements

BOARD_H743 = load_profile("nucleo-h743zi").board
ALLOWED = {
    role: [
        memory.name
        for memory in BOARD_H743.memories
        if (role != "code" or memory.executable)
        and (role not in {"data", "stack"} or memory.writable)
    ]
    for role in ROLES
}


def test_placement_merges_with_the_default() -> None:
    """Roles that are not named keep the board's default."""
    placement = parse_placement(" code=flash , weights = axi_sram,", BOARD_H743)
    text = "code=flash,constants=dtcm,weights=axi_sram,data=dtcm,stack=dtcm"
    assert str(placement) == text
    assert placement.code is placement["code"] is BOARD_H743.memory("flash")
    assert placement.names() == dict(pair.split("=") for pair in text.split(","))


@given(
    st.dictionaries(st.sampled_from(ROLES), st.integers(0, 100), min_size=1).map(
        lambda chosen: {role: ALLOWED[role][n % len(ALLOWED[role])] for role, n in chosen.items()}
    )
)
def test_placement_text_round_trip(chosen: dict[str, str]) -> None:
    """Whatever is allowed is taken, and the printed form reads back as the same placement."""
    text = ",".join(f"{role}={name}" for role, name in chosen.items())
    placement = parse_placement(text, BOARD_H743)
    assert {**BOARD_H743.placement, **chosen} == placement.names()
    assert parse_placement(str(placement), BOARD_H743) == placement


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code", "'code' is not role=memory"),
        ("code=", "'code=' is not role=memory"),
        ("weight=flash", "did you mean weights?"),
        ("heap=dtcm", "the roles are code, constants, weights, data, stack"),
        ("code=itmc", "has no memory 'itmc' (did you mean itcm?); it has flash, itcm, dtcm"),
        ("code=flash,code=itcm", "names code twice"),
        ("code=dtcm", "cannot fetch instructions from dtcm; place code in flash, itcm, axi_sram"),
        ("data=flash", "flash cannot be written by a program; place data in itcm, dtcm"),
        ("stack=flash", "place stack in itcm, dtcm"),
    ],
)
def test_bad_placement(text: str, message: str) -> None:
    """Each mistake in a placement has its own message."""
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_placement(text, BOARD_H743)
