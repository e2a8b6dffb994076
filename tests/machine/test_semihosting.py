"""Semihosting calls, against a host of a few bytes of memory."""

import struct
from dataclasses import dataclass, field

import pytest

from thumbclock.machine.semihosting import Host, ProgramExit, Semihosting

MINUS_ONE = 0xFFFFFFFF
OPEN, CLOSE, WRITEC, WRITE0, WRITE, READ, READC, ISERROR, ISTTY, SEEK, FLEN = (
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0C,
)  # fmt: skip
REMOVE, CLOCK, TIME, ERRNO, CMDLINE, HEAPINFO = 0x0E, 0x10, 0x11, 0x13, 0x15, 0x16
EXIT, EXIT_EXTENDED, ELAPSED, TICKFREQ = 0x18, 0x20, 0x30, 0x31
BLOCK, TEXT = 0x100, 0x200


@dataclass
class Target:
    """A program's memory and what it printed."""

    memory: bytearray = field(default_factory=lambda: bytearray(0x400))
    printed: bytearray = field(default_factory=bytearray)
    cycles: int = 250_000_000

    def __post_init__(self) -> None:
        self.calls = Semihosting(
            Host(
                read=lambda address, size: bytes(self.memory[address : address + size]),
                write=self.put,
                output=self.printed.extend,
                cycles=lambda: self.cycles,
                clock_hz=100_000_000,
                heap=(0x2000_1000, 0x2000_2000, 0x2000_4000, 0x2000_3000),
                command_line="image.elf",
            )
        )

    def put(self, address: int, data: bytes) -> None:
        self.memory[address : address + len(data)] = data

    def call(self, operation: int, *words: int) -> int:
        """Make a call with a block of parameters."""
        self.put(BLOCK, struct.pack(f"<{len(words)}I", *words))
        return self.calls.call(operation, BLOCK)

    def words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}I", self.memory, address)

    def open(self, name: bytes, mode: int) -> int:
        self.put(TEXT, name + b"\0")
        return self.call(OPEN, TEXT, mode, len(name))


@pytest.fixture
def target() -> Target:
    """A fresh program."""
    return Target()


def test_console_output(target: Target) -> None:
    """Characters, strings and writes to the console come out in order."""
    target.put(TEXT, b"a" + b"bc\0" + b"defg")
    assert target.calls.call(WRITEC, TEXT) == 0
    target.calls.call(WRITE0, TEXT + 1)
    target.put(TEXT + 0x80, b":tt")
    handle = target.call(OPEN, TEXT + 0x80, 4, 3)
    assert target.call(ISTTY, handle) == 1
    assert target.call(WRITE, handle, TEXT + 4, 3) == 0
    assert bytes(target.printed) == b"abcdef"
    assert target.call(CLOSE, handle) == 0
    assert target.call(WRITE, handle, TEXT + 4, 3) == 3, "all bytes are left over"


def test_console_input_is_at_its_end(target: Target) -> None:
    """A simulated program has no keyboard."""
    handle = target.open(b":tt", 0)
    assert target.call(READ, handle, TEXT, 10) == 10
    assert target.calls.call(READC, 0) == MINUS_ONE


def test_files_of_the_host_are_out_of_reach(target: Target) -> None:
    """Opening one fails like a missing file, and so do changes to the file system."""
    assert target.open(b"/etc/passwd", 0) == MINUS_ONE
    assert target.calls.call(ERRNO, 0) == 2
    assert target.open(b"out.txt", 4) == MINUS_ONE
    assert target.open(b"x" * 300, 0) == MINUS_ONE
    assert target.calls.call(REMOVE, BLOCK) == MINUS_ONE
    assert target.calls.call(0x12, BLOCK) == MINUS_ONE, "SYS_SYSTEM"


def test_features(target: Target) -> None:
    """The extensions file says that exit codes and stderr are supported."""
    handle = target.open(b":semihosting-features", 0)
    length = target.call(FLEN, handle)
    assert target.call(READ, handle, TEXT, length) == 0
    assert target.memory[TEXT : TEXT + 4] == b"SHFB"
    assert target.memory[TEXT + 4] & 3 == 3
    assert target.call(READ, handle, TEXT, 1) == 1, "at its end"
    assert target.call(SEEK, handle, 0) == 0
    assert target.call(READ, handle, TEXT, 1) == 0


def test_bad_handles(target: Target) -> None:
    """Calls on a handle that was never opened fail."""
    assert target.call(CLOSE, 77) == MINUS_ONE
    assert target.call(SEEK, 77, 0) == MINUS_ONE
    assert target.call(WRITE, 77, TEXT, 4) == 4
    assert target.call(READ, 77, TEXT, 4) == 4
    assert target.call(ISTTY, 77) == 0


def test_time_is_the_program_s(target: Target) -> None:
    """Clocks count simulated cycles, so that runs repeat."""
    assert target.calls.call(CLOCK, 0) == 250, "hundredths of a second"
    assert target.calls.call(TIME, 0) == 2
    assert target.calls.call(TICKFREQ, 0) == 100_000_000
    assert target.calls.call(ELAPSED, BLOCK) == 0
    assert target.words(BLOCK, 2) == (250_000_000, 0)


def test_heap_information(target: Target) -> None:
    """Heap and stack arrive in the block that the argument points to."""
    assert target.call(HEAPINFO, TEXT) == 0
    assert target.words(TEXT, 4) == (0x2000_1000, 0x2000_2000, 0x2000_4000, 0x2000_3000)


def test_command_line(target: Target) -> None:
    """It is the image's name, cut to the buffer."""
    assert target.call(CMDLINE, TEXT, 80) == 0
    assert bytes(target.memory[TEXT : TEXT + 10]) == b"image.elf\0"
    assert target.words(BLOCK + 4, 1) == (9,)
    target.memory[TEXT : TEXT + 10] = b"##########"
    assert target.call(CMDLINE, TEXT, 4) == 0
    assert bytes(target.memory[TEXT : TEXT + 5]) == b"ima\0#"


@pytest.mark.parametrize(("status", "is_error"), [(0, 0), (5, 0), (MINUS_ONE, 1)])
def test_is_error(target: Target, status: int, is_error: int) -> None:
    """Negative status words are errors."""
    assert target.call(ISERROR, status) == is_error


@pytest.mark.parametrize(("reason", "code"), [(0x20026, 0), (0x20023, 1), (0, 1)])
def test_exit(target: Target, reason: int, code: int) -> None:
    """The argument itself is the reason: an ordinary end is 0, anything else 1."""
    with pytest.raises(ProgramExit) as found:
        target.calls.call(EXIT, reason)
    assert found.value.code == code


@pytest.mark.parametrize(("reason", "status", "code"), [(0x20026, 42, 42), (0x20023, 42, 1)])
def test_exit_extended(target: Target, reason: int, status: int, code: int) -> None:
    """The block holds reason and exit code."""
    with pytest.raises(ProgramExit) as found:
        target.call(EXIT_EXTENDED, reason, status)
    assert found.value.code == code


def test_unknown_call(target: Target) -> None:
    """It fails without an effect."""
    assert target.call(0xFF, 0) == MINUS_ONE
