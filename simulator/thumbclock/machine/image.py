"""Program images: ELF, Intel HEX and raw binary."""

import bisect
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct.lib.container import Container
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from thumbclock.errors import UsageError

__all__ = ["Extent", "Function", "Image", "Segment", "load_image"]

_VECTOR_NAMES = (
    "__Vectors", "__isr_vector", "g_pfnVectors", "vector_table", "__vector_table", "__vectors",
)  # fmt: skip
_VECTOR_SECTIONS = (".vectors", ".isr_vector", ".vector_table", ".intvec", ".isr_vectors")

_LARGEST_BYTES = 1 << 28


@dataclass(frozen=True)
class Segment:
    """Bytes at their load address, where the device holds them at reset."""

    address: int
    data: bytes


@dataclass(frozen=True, order=True)
class Function:
    """A function's extent; ``size_bytes`` is 0 where the symbol does not say."""

    address: int
    size_bytes: int = field(compare=False)
    name: str = field(compare=False)


@dataclass(frozen=True, order=True)
class Extent:
    """An object in memory.

    Attributes:
        address: Its first byte.
        size_bytes: How many bytes it has.
        name: For messages.
    """

    address: int
    size_bytes: int
    name: str = ""

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.size_bytes


@dataclass(frozen=True)
class Image:
    """A program as loaded.

    Attributes:
        name: File name without folders.
        sha256: Of the file's bytes.
        segments: What is loaded, by load (physical) address.
        reserved: Address ranges that the program occupies when it runs, ``.bss`` included.
        entry: ELF entry point, None for formats that have none.
        symbols: Name -> address, bit 0 cleared for functions.
        functions: By address; empty without a symbol table.
        vector_candidates: Where the image says that a vector table is.
        ram_bytes: Writable memory that the image occupies, without its stack.
        flash_bytes: Bytes that must be stored in the device.
        objects: Data whose symbols state a size, by address.
    """

    name: str
    sha256: str
    segments: tuple[Segment, ...]
    reserved: tuple[tuple[int, int], ...]
    entry: int | None
    symbols: dict[str, int]
    functions: tuple[Function, ...]
    vector_candidates: tuple[int, ...]
    ram_bytes: int
    flash_bytes: int
    objects: tuple[Extent, ...] = ()
    file_bytes: bytes = field(repr=False, default=b"")

    @cached_property
    def _starts(self) -> list[int]:
        return [function.address for function in self.functions]

    def function_index(self, address: int) -> int | None:
        """Return which of ``functions`` holds an address."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        function = self.functions[index]
        if function.size_bytes and address >= function.address + function.size_bytes:
            return None
        return index

    def function_name(self, address: int) -> str | None:
        """Return the name of the function that holds an address."""
        index = self.function_index(address)
        return None if index is None else self.functions[index].name

    def source_line(self, address: int) -> str | None:
        """Return ``file:line`` of an address by the DWARF line table, None where there is none."""
        if not self.file_bytes.startswith(b"\x7fELF"):
            return None
        try:
            elf = ELFFile(io.BytesIO(self.file_bytes))
            return _find_line(elf, address) if elf.has_dwarf_info() else None
        except (ELFError, DWARFError, ValueError, KeyError, IndexError, AttributeError):
            return None  # damaged debug information is no reason to lose the report


def load_image(path: str | Path, base: int | None = None) -> Image:
    """Load an ELF, Intel HEX or raw binary file.

    Args:
        path: The file; its content decides the format.
        base: Load address of a raw binary; required for one, refused otherwise.

    Raises:
        UsageError: It cannot be read, is for another machine, or is damaged.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no regular file; give an ELF, Intel HEX or raw image")
        if path.stat().st_size > _LARGEST_BYTES:
            raise UsageError(
                f"{path} has {path.stat().st_size} bytes; expected an image of at most "
                f"{_LARGEST_BYTES}, as no board has room for more"
            )
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read image {path}: {error.strerror}; give a file") from None
    if not content:
        raise UsageError(f"{path} is empty; expected an ELF, Intel HEX or raw binary image")
    if content.startswith(b"\x7fELF"):
        _refuse_base(path, base, "an ELF")
        return _load_elf(path, content)
    if content.startswith(b":") and content[1:9].strip().isalnum() and base is None:
        return _load_hex(path, content)
    if base is None:
        raise UsageError(
            f"{path} is neither ELF nor Intel HEX (it starts with {content[:4]!r}); for a raw "
            "binary say where it is loaded, e.g. --base 0x08000000"
        )
    return _finish(path, content, [Segment(base, content)], None)


def _refuse_base(path: Path, base: int | None, what: str) -> None:
    if base is not None:
        raise UsageError(f"--base is for raw binaries, but {path} is {what} file; leave it out")


def _finish(path: Path, content: bytes, segments: list[Segment], entry: int | None) -> Image:
    reserved = tuple((s.address, s.address + len(s.data)) for s in segments)
    return Image(
        name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        segments=tuple(segments),
        reserved=reserved,
        entry=entry,
        symbols={},
        functions=(),
        vector_candidates=(),
        ram_bytes=0,
        flash_bytes=sum(len(s.data) for s in segments),
        file_bytes=content,
    )


# Intel HEX


def _load_hex(path: Path, content: bytes) -> Image:
    memory: dict[int, bytes] = {}
    upper, entry = 0, None
    for number, line in enumerate(content.decode("ascii", "replace").splitlines(), 1):
        if not line.strip():
            continue
        kind, address, data = _hex_record(path, number, line.strip())
        if kind == 0:
            memory[upper + address] = data
        elif kind == 1:
            break
        elif kind == 2:
            upper = int.from_bytes(data, "big") << 4
        elif kind == 4:
            upper = int.from_bytes(data, "big") << 16
        elif kind == 5:
            entry = int.from_bytes(data, "big")
        elif kind != 3:
            raise UsageError(f"{path}:{number}: unknown Intel HEX record type {kind}")
    else:
        raise UsageError(f"{path}: no end-of-file record; the Intel HEX file is truncated")
    if not memory:
        raise UsageError(f"{path}: the Intel HEX file holds no data")
    return _finish(path, content, list(_join(memory)), entry)


def _hex_record(path: Path, number: int, line: str) -> tuple[int, int, bytes]:
    try:
        record = bytes.fromhex(line[1:]) if line.startswith(":") else b""
    except ValueError:
        record = b""
    if len(record) < 5 or len(record) != record[0] + 5 or sum(record) & 0xFF:
        raise UsageError(f"{path}:{number}: not a valid Intel HEX record: {line[:40]!r}")
    return record[3], int.from_bytes(record[1:3], "big"), record[4:-1]


def _join(memory: dict[int, bytes]) -> Iterator[Segment]:
    """Join adjacent pieces to segments."""
    start, data = None, bytearray()
    for address in sorted(memory):
        if start is not None and address == start + len(data):
            data += memory[address]
            continue
        if start is not None:
            yield Segment(start, bytes(data))
        start, data = address, bytearray(memory[address])
    if start is not None:
        yield Segment(start, bytes(data))


# ELF


def _load_elf(path: Path, content: bytes) -> Image:
    try:
        return _read_elf(path, content)
    except UsageError:
        raise
    except Exception as error:  # pyelftools raises many kinds for damaged files
        raise UsageError(
            f"{path} is a damaged or truncated ELF file ({type(error).__name__}: {error}); "
            "build or copy it again"
        ) from None


def _read_elf(path: Path, content: bytes) -> Image:
    elf = ELFFile(io.BytesIO(content))
    if elf["e_machine"] != "EM_ARM" or elf.elfclass != 32 or not elf.little_endian:
        raise UsageError(
            f"{path} is an ELF file for {elf.get_machine_arch()} ({elf.elfclass} bits, "
            f"{'little' if elf.little_endian else 'big'} endian); expected a 32-bit "
            "little-endian Arm image"
        )
    if elf["e_type"] != "ET_EXEC":
        raise UsageError(
            f"{path} is of type {elf['e_type']}; expected a linked executable (ET_EXEC), so link "
            "it for the board's addresses"
        )
    segments, reserved, ram_bytes = [], [], 0
    for segment in elf.iter_segments("PT_LOAD"):
        size, memory_size = segment["p_filesz"], segment["p_memsz"]
        if segment["p_offset"] + size > len(content):
            raise UsageError(
                f"{path} is truncated: a segment needs bytes up to {segment['p_offset'] + size} "
                f"of a file with {len(content)}; build or copy it again"
            )
        if size:
            segments.append(Segment(segment["p_paddr"], bytes(segment.data())))
        if memory_size:
            reserved.append((segment["p_vaddr"], segment["p_vaddr"] + memory_size))
        if segment["p_flags"] & 2 or segment["p_vaddr"] != segment["p_paddr"]:
            ram_bytes += memory_size
    if not segments:
        raise UsageError(f"{path} has nothing to load; expected a linked executable")
    symbols, functions, objects = _read_symbols(elf)
    return Image(
        name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        segments=tuple(segments),
        reserved=tuple(reserved),
        entry=elf["e_entry"],
        symbols=symbols,
        functions=functions,
        objects=objects,
        vector_candidates=_vector_candidates(elf, symbols),
        ram_bytes=ram_bytes,
        flash_bytes=sum(len(s.data) for s in segments),
        file_bytes=content,
    )


def _read_symbols(
    elf: ELFFile,
) -> tuple[dict[str, int], tuple[Function, ...], tuple[Extent, ...]]:
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return {}, (), ()
    code = [
        (s["sh_addr"], s["sh_addr"] + s["sh_size"])
        for s in elf.iter_sections()
        if s["sh_flags"] & SH_FLAGS.SHF_EXECINSTR
    ]
    symbols: dict[str, int] = {}
    functions: dict[int, Function] = {}
    objects: list[Extent] = []
    for symbol in table.iter_symbols():
        name, value, kind = symbol.name, symbol["st_value"], symbol["st_info"]["type"]
        if not name or name.startswith("$") or symbol["st_shndx"] == "SHN_UNDEF":
            continue
        if kind == "STT_OBJECT" and symbol["st_size"]:
            objects.append(Extent(value, symbol["st_size"], name))
        is_function = kind == "STT_FUNC"
        address = value & ~1 if is_function else value
        symbols.setdefault(name, address)
        is_label = kind == "STT_NOTYPE" and value & 1 and any(a <= value < b for a, b in code)
        if is_function or is_label:
            known = functions.get(value & ~1)
            if known is None or symbol["st_info"]["bind"] == "STB_GLOBAL":
                functions[value & ~1] = Function(value & ~1, symbol["st_size"], name)
                symbols[name] = value & ~1
    return symbols, tuple(sorted(functions.values())), tuple(sorted(objects))


def _vector_candidates(elf: ELFFile, symbols: dict[str, int]) -> tuple[int, ...]:
    found = [symbols[name] for name in _VECTOR_NAMES if name in symbols]
    for name in _VECTOR_SECTIONS:
        section = elf.get_section_by_name(name)
        if section is not None:
            found.append(section["sh_addr"])
    return tuple(found)


def _find_line(elf: ELFFile, address: int) -> str | None:
    dwarf = elf.get_dwarf_info()
    for unit in dwarf.iter_CUs():
        program = dwarf.line_program_for_CU(unit)
        if program is None:
            continue
        previous = None
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            if previous is not None and previous.address <= address < state.address:
                return f"{_file_name(program, previous)}:{previous.line}"
            previous = None if state.end_sequence else state
    return None


def _file_name(program: Container, state: Container) -> str:
    # DWARF 5 counts files from 0, earlier versions from 1.
    version = program["version"]
    entry = program["file_entry"][state.file - (0 if version >= 5 else 1)]
    name = entry.name.decode("utf-8", "replace")
    directories = program["include_directory"]
    index = entry.dir_index - (0 if version >= 5 else 1)
    if 0 <= index < len(directories):
        folder = directories[index]
        folder = folder.decode("utf-8", "replace") if isinstance(folder, bytes) else ""
        if folder and folder != "." and not name.startswith("/"):
            return f"{folder}/{name}"
    return str(name)
