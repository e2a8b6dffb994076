"""The loop in its source: where its text is, its machine code, and a text in which it is replaced.

The file is assembled as it stands, with marks at the labels of the loop, so that macros, defines
and conditionals mean what they mean to the assembler. A label in the middle stays where it is.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from thumbclock.errors import UsageError
from thumbclock.isa import Instruction, decode, decode_block
from thumbclock.isa.instruction import PC, SP
from thumbclock.machine.image import Image, load_image
from thumbclock.profiles import Profile
from thumbclock.toolchain import BuildRequest, Source, Toolchain, build

__all__ = ["Assembly", "Excerpt", "Listing", "shortened", "statement"]

_LINKER_SCRIPT = "SECTIONS { .text 0x08000000 : { KEEP(*(.text .text.*)) } }"
_MARK = "tc_schedule_mark_"
_NAME = r"[A-Za-z_.$][\w.$]*"
_CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al"
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|@[^\n]*", re.DOTALL)
_MACRO = re.compile(r"^[ \t]*\.macro\b.*?^[ \t]*\.endm\b", re.DOTALL | re.MULTILINE)
_LABEL = re.compile(rf"(?<![\w.$:#])({_NAME}|\d+):(?!\w)")
_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(r\d+|sp|lr|ip|fp|sl|sb)\b", re.MULTILINE
)
_REGISTER = re.compile(r"\b(?:r\d+|sb|sl|fp|ip|sp|lr|pc)\b")
_NUMBERS = {"sb": 9, "sl": 10, "fp": 11, "ip": 12, "sp": SP, "lr": 14, "pc": PC}
_CANONICAL = {SP: "sp", 14: "lr", PC: "pc"}
_HEXADECIMAL = re.compile(r"#(-?)0x([0-9a-f]+)")
_LARGEST_DECIMAL = 4095


@dataclass(frozen=True)
class Assembly:
    """How sources are assembled."""

    profile: Profile
    toolchain: Toolchain
    include_dirs: tuple[Path, ...] = ()
    defines: tuple[tuple[str, str], ...] = ()

    def image(self, name: str, text: str, folder: Path | None = None) -> Image:
        """Assemble and link a text by itself."""
        folders = self.include_dirs if folder is None else (folder, *self.include_dirs)
        request = BuildRequest(
            sources=(Source.generated(name, text),),
            profile=self.profile,
            linker_script=_LINKER_SCRIPT,
            include_dirs=folders,
            defines=dict(self.defines),
        )
        return load_image(build(request, self.toolchain).elf)


@dataclass(frozen=True)
class Listing:
    """The machine code of a loop.

    Attributes:
        instructions: From its first to the last before its branch, in program order.
        code: The bytes of each.
        boundaries: Indices of the instructions that labels in the middle stand before.
        branch: The branch back; None for straight-line code.
        branch_code: Its bytes.
    """

    instructions: tuple[Instruction, ...]
    code: tuple[bytes, ...]
    boundaries: tuple[int, ...]
    branch: Instruction | None
    branch_code: bytes


@dataclass(frozen=True)
class Excerpt:
    """A loop in the text of its file.

    Attributes:
        path: The file.
        label: Where the loop begins.
        text: All of it.
        start: Where the text of the loop begins, behind its label.
        stop: Where it ends, before the branch back or the end label.
        labels: Labels in the middle, each with the offset of the first character behind its colon.
        is_loop: Whether a branch goes back.
    """

    path: Path
    label: str
    text: str
    start: int
    stop: int
    labels: tuple[tuple[str, int], ...]
    is_loop: bool

    @classmethod
    def find(cls, path: Path, label: str, end: str | None = None) -> "Excerpt":
        """Find the loop that begins at a label and ends at a branch to it, or at an end label.

        Raises:
            UsageError: The file cannot be read, or has no such loop outside of macros.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {path}: {error}; give an assembly file") from None
        bare = _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
        start = _label_end(path, bare, label)
        if end is None:
            stop = _branch_start(path, bare, label, start)
        else:
            stop = _label_end(path, bare, end)
            stop = bare.rindex(end, 0, stop)
        if stop < start:
            raise UsageError(
                f"{path}: label {end} stands before {label}; give the later one as --to"
            )
        inside = [
            (m[1], m.end())
            for m in _LABEL.finditer(bare, start, stop)
            if not _in_macro(bare, m.end())
        ]
        rest = re.compile(r"[ \t]*\n").match(bare, start)
        if rest is not None:  # a comment behind the label stays
            start = rest.end() - 1
        return cls(path, label, text, start, stop, tuple(inside), end is None)

    def assemble(self, assembly: Assembly) -> Listing:
        """Assemble the file and read the machine code of the loop.

        Raises:
            UsageError: It does not assemble, or the loop holds something that cannot be scheduled.
        """
        return self._listing(assembly, self.text, self.start, self.stop, self.labels)

    def replaced(self, lines: list[str], labels: dict[str, int], note: str) -> "Excerpt":
        """Return the file with other instructions in the loop.

        Args:
            lines: The statements of the loop, without its branch.
            labels: The labels in the middle, each with the index of the statement behind it.
            note: A comment that is put before the first statement.
        """
        parts, offsets, position = [], [], self.start
        first = f"\n    /* {note} */\n" if note else "\n"
        parts.append(first)
        position += len(first)
        for index, line in enumerate([*lines, ""]):
            for label in (name for name, at in labels.items() if at == index):
                piece = f"{label}:\n"
                offsets.append((label, position + len(piece) - 1))
                parts.append(piece)
                position += len(piece)
            if index < len(lines):
                piece = f"    {line}\n"
                parts.append(piece)
                position += len(piece)
        body = "".join(parts)
        indent = re.search(r"[ \t]*$", self.text[: self.stop])
        tail = indent[0] if indent is not None else ""
        text = self.text[: self.start] + body + tail + self.text[self.stop :]
        stop = self.start + len(body) + len(tail)
        return Excerpt(self.path, self.label, text, self.start, stop, tuple(offsets), self.is_loop)

    def aliases(self) -> dict[int, str]:
        """Return the names that the file gives to registers, where it gives just one."""
        names: dict[int, set[str]] = {}
        for name, register in _DEFINE.findall(self.text):
            names.setdefault(_register(register), set()).add(name)
        return {number: min(known) for number, known in names.items() if len(known) == 1}

    def register(self, name: str) -> int:
        """Return the number of a register by its own name or one of the file's.

        Raises:
            UsageError: There is no such register.
        """
        for alias, register in _DEFINE.findall(self.text):
            if alias == name:
                return _register(register)
        if _REGISTER.fullmatch(name):
            return _register(name)
        raise UsageError(f"{name!r} is no register; expected r0 to r12, sp, lr or a #define of one")

    def _listing(
        self,
        assembly: Assembly,
        text: str,
        start: int,
        stop: int,
        labels: tuple[tuple[str, int], ...],
    ) -> Listing:
        places = [start, *(offset for _, offset in labels), stop]
        marked, done = [], 0
        for index, place in enumerate(places):
            marked += [text[done:place], f"\n{_MARK}{index}:\n"]
            done = place
        image = assembly.image(self.path.name, "".join([*marked, text[done:]]), self.path.parent)
        try:
            marks = [image.symbols[f"{_MARK}{index}"] & ~1 for index in range(len(places))]
        except KeyError:
            raise UsageError(
                f"{self.path}: the loop is not assembled: a condition leaves it out; give the "
                "--define that selects it"
            ) from None
        return self._read(image, marks)

    def _read(self, image: Image, marks: list[int]) -> Listing:
        begin, end = marks[0], marks[-1]
        (data,) = (
            s.data[begin - s.address :]
            for s in image.segments
            if s.address <= begin < s.address + len(s.data)
        )
        instructions = tuple(decode_block(data[: end - begin], begin))
        self._check(instructions)
        branch = decode(data[end - begin : end - begin + 4], end) if self.is_loop else None
        if branch is not None and branch.target != begin:
            raise UsageError(f"{self.path}: '{branch.text}' does not branch to the loop's label")
        starts = [*(i.address for i in instructions), end]
        return Listing(
            instructions=instructions,
            code=tuple(data[i.address - begin : i.end - begin] for i in instructions),
            boundaries=tuple(starts.index(mark) for mark in marks[1:-1]),
            branch=branch,
            branch_code=b"" if branch is None else data[end - begin : branch.end - begin],
        )

    def _check(self, instructions: tuple[Instruction, ...]) -> None:
        if not instructions:
            raise UsageError(f"{self.path}: there is no instruction between the two labels")
        for instruction in instructions:
            if instruction.branch is not None or instruction.kind == "undefined":
                raise UsageError(
                    f"{self.path}: '{instruction.text}' inside the loop; expected straight-line "
                    "code: schedule the parts before and behind it with --from and --to"
                )


def _label_end(path: Path, bare: str, label: str) -> int:
    """Return the offset behind a label's colon."""
    found = [m.end() for m in _LABEL.finditer(bare) if m[1] == label]
    if len(found) != 1:
        known = ", ".join(dict.fromkeys(m[1] for m in _LABEL.finditer(bare))) or "none"
        how = "no label" if not found else f"{len(found)} labels"
        raise UsageError(f"{path} has {how} {label}; expected one (labels: {known})")
    if _in_macro(bare, found[0]):
        raise UsageError(
            f"{path}: label {label} is inside a macro; expected it outside of macros: write label "
            "and branch into a file of their own, and call macros for what is between them"
        )
    return found[0]


def _branch_start(path: Path, bare: str, label: str, start: int) -> int:
    pattern = re.compile(
        rf"(?:^|[;:])[ \t]*(b(?:{_CONDITIONS})?(?:\.[nw])?[ \t]+{re.escape(label)}(?![\w.$]))",
        re.MULTILINE,
    )
    for found in pattern.finditer(bare, start):
        if not _in_macro(bare, found.start(1)):
            return found.start(1)
    raise UsageError(
        f"{path}: no branch to {label} behind it, outside of macros; give the end of straight-line "
        "code with --to"
    )


def _in_macro(bare: str, offset: int) -> bool:
    return any(m.start() < offset < m.end() for m in _MACRO.finditer(bare))


def _register(name: str) -> int:
    return _NUMBERS[name] if name in _NUMBERS else int(name[1:])


def statement(instruction: Instruction, aliases: dict[int, str], *, is_plain: bool = True) -> str:
    """Return an instruction as a statement: registers by the file's names, small numbers decimal.

    It is without ``.w`` where it is plain.
    """

    def named(match: re.Match[str]) -> str:
        number = _register(match[0])
        return aliases.get(number) or _CANONICAL.get(number, f"r{number}")

    def decimal(match: re.Match[str]) -> str:
        value = int(match[2], 16)
        return match[0] if value > _LARGEST_DECIMAL else f"#{match[1]}{value}"

    mnemonic, _, operands = instruction.text.partition(" ")
    operands = _HEXADECIMAL.sub(decimal, _REGISTER.sub(named, operands))
    return f"{mnemonic.removesuffix('.w') if is_plain else mnemonic:<7} {operands}".rstrip()


def shortened(
    assembly: Assembly, instructions: list[Instruction], aliases: dict[int, str]
) -> list[str]:
    """Return statements without ``.w`` wherever the assembler takes the wide form by itself."""
    lines = [f"{_MARK}{n}: {statement(i, {})}" for n, i in enumerate(instructions)]
    text = "\n".join([".syntax unified", ".thumb", ".text", *lines, f"{_MARK}{len(lines)}:", ""])
    symbols = assembly.image("statements.s", text).symbols
    places = [symbols[f"{_MARK}{n}"] & ~1 for n in range(len(lines) + 1)]
    sizes = [then - now for now, then in pairwise(places)]
    return [
        statement(instruction, aliases, is_plain=size_bytes == instruction.size_bytes)
        for instruction, size_bytes in zip(instructions, sizes, strict=True)
    ]
