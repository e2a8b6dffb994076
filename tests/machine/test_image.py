"""Images as files: what is loaded, and what is refused with a message that helps."""

import struct
from pathlib import Path

import pytest

from thumbclock.errors import UsageError
from thumbclock.firmware import program
from thumbclock.machine import Machine, load_image
from thumbclock.profiles import load_profile
from thumbclock.toolchain import Source, build

FLASH, RAM = 0x0800_0000, 0x2000_0000
CODE = struct.pack("<II", RAM + 0x1000, FLASH + 9) + bytes.fromhex("2a2000be")  # 42; bkpt 0

EF_MACHINE, EF_TYPE = 18, 16


def record(kind: int, address: int, data: bytes) -> str:
    """Return a line of an Intel HEX file."""
    body = bytes([len(data), address >> 8, address & 0xFF, kind]) + data
    return f":{(body + bytes([-sum(body) & 0xFF])).hex().upper()}"


def hex_file(data: bytes, base: int = FLASH) -> str:
    """Return an Intel HEX file of 8-byte records."""
    lines = [record(4, 0, (base >> 16).to_bytes(2, "big"))]
    lines += [record(0, i, data[i : i + 8]) for i in range(0, len(data), 8)]
    return "\n".join([*lines, record(1, 0, b"")]) + "\n"


@pytest.fixture(scope="module")
def elf() -> bytes:
    """A linked program."""
    source = Source.generated(
        "main.c", "volatile int values[3] = {42};\nint main(void) { return values[0]; }\n"
    )
    return build(program((source,), load_profile("ideal-m7"))).elf.read_bytes()


def written(folder: Path, content: bytes | str) -> Path:
    """Write a file and return its path."""
    path = folder / "image"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_raw_binary(tmp_path: Path) -> None:
    """It starts as on silicon, from the vector table at its start."""
    path = written(tmp_path, CODE)
    assert Machine(path, "ideal-m7", base=FLASH).run().exit.code == 42


def test_hex_file(tmp_path: Path) -> None:
    """Records are joined to one segment, and the program runs from there."""
    path = written(tmp_path, hex_file(CODE))
    image = load_image(path)
    assert [(s.address, s.data) for s in image.segments] == [(FLASH, CODE)]
    assert Machine(path, "ideal-m4").run().exit.code == 42


def test_hex_file_with_windows_line_ends(tmp_path: Path) -> None:
    """Carriage returns do not matter."""
    path = written(tmp_path, hex_file(CODE).replace("\n", "\r\n"))
    assert load_image(path).segments[0].data == CODE


def test_elf_runs(elf: bytes, tmp_path: Path) -> None:
    """An ELF names its functions; a thumb bit is not part of an address."""
    path = written(tmp_path, elf)
    image = load_image(path)
    assert image.symbols["main"] % 2 == 0
    assert image.function_name(image.symbols["main"]) == "main"
    assert image.ram_bytes >= 12
    assert Machine(path, "ideal-m7").run().exit.code == 42


def test_elf_without_section_headers_runs(elf: bytes, tmp_path: Path) -> None:
    """A stripped image has no names, and still finds its vector table."""
    stripped = bytearray(elf)
    stripped[32:36] = bytes(4)  # e_shoff
    stripped[48:52] = bytes(4)  # e_shnum, e_shstrndx
    path = written(tmp_path, bytes(stripped))
    assert load_image(path).functions == ()
    assert Machine(path, "ideal-m7").run().exit.code == 42


def patched(elf: bytes, offset: int, value: bytes) -> bytes:
    """Return an ELF with some bytes of its header replaced."""
    return elf[:offset] + value + elf[offset + len(value) :]


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (EF_MACHINE, b"\x3e\x00", r"is an ELF file for x64.*expected a 32-bit\s+little-endian Arm"),
        (EF_TYPE, b"\x01\x00", r"type ET_REL; expected a linked executable"),
        (EF_TYPE, b"\x03\x00", r"type ET_DYN; expected a linked executable"),
        (5, b"\x02", r"damaged|big endian"),
        (4, b"\x02", r"damaged|64 bits"),
        (28, b"\xff\xff\xff\x00", r"damaged or truncated|nothing to load"),
    ],
)
def test_foreign_elf_is_refused(
    elf: bytes, offset: int, value: bytes, message: str, tmp_path: Path
) -> None:
    """The message says what the file is and what is expected."""
    with pytest.raises(UsageError, match=message):
        load_image(written(tmp_path, patched(elf, offset, value)))


@pytest.mark.parametrize("kept", [4, 20, 52, 100, 4096])
def test_truncated_elf_is_refused(elf: bytes, kept: int, tmp_path: Path) -> None:
    """Wherever the file ends, the message says that it is damaged."""
    with pytest.raises(UsageError, match="truncated"):
        load_image(written(tmp_path, elf[:kept]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"int main(void) { return 0; }\n", r"neither ELF nor Intel HEX.*--base 0x08000000"),
        (b"MZ\x90\x00", "neither ELF nor Intel HEX"),
        (hex_file(CODE)[:-12], "no end-of-file record|not a valid"),
        (hex_file(CODE).replace("2A", "2B", 1), r"image:\d+: not a valid Intel HEX record"),
        (record(4, 0, b"\x08\x00") + "\n" + record(9, 0, b"") + "\n", "unknown Intel HEX record"),
        (record(1, 0, b"") + "\n", "holds no data"),
    ],
)
def test_other_files_are_refused(content: bytes | str, message: str, tmp_path: Path) -> None:
    """Each in its own words."""
    with pytest.raises(UsageError, match=message):
        load_image(written(tmp_path, content))


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    """The message says what was found there."""
    with pytest.raises(UsageError, match="No such file"):
        load_image(tmp_path / "none")
    with pytest.raises(UsageError, match="no regular file"):
        load_image(tmp_path)


def test_base_is_for_raw_binaries(elf: bytes, tmp_path: Path) -> None:
    """An ELF says itself where it belongs."""
    with pytest.raises(UsageError, match="leave it out"):
        load_image(written(tmp_path, elf), base=FLASH)


def test_image_must_fit_the_board(tmp_path: Path) -> None:
    """The message lists the board's memories."""
    path = written(tmp_path, CODE)
    with pytest.raises(UsageError, match=r"does not have \(memories: .*flash 0x08000000"):
        Machine(path, "nucleo-h743zi", base=0x7000_0000)


def test_raw_binary_without_vectors_is_refused(tmp_path: Path) -> None:
    """Without a plausible stack pointer and entry there is nowhere to start."""
    path = written(tmp_path, b"\x00" * 64)
    with pytest.raises(UsageError, match="no vector table and no entry point"):
        Machine(path, "ideal-m7", base=FLASH)


def test_vector_table_behind_a_header(tmp_path: Path) -> None:
    """A table is found at the start of an executable memory, whatever the lowest segment is."""
    data = record(4, 0, b"\x00\x00") + "\n" + record(0, 0x100, b"\xff" * 8) + "\n"
    path = written(tmp_path, data + hex_file(CODE))
    assert Machine(path, "ideal-m7").run().exit.code == 42
