"""Arm semihosting: what a program asks of its host with BKPT 0xAB.

Console and time are served; the host's files are not, so that an image from elsewhere cannot touch
them: opening one fails as it does for a file that is not there.
"""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Host", "ProgramExit", "Semihosting"]

_STDIN, _STDOUT = 1, 2
_FEATURES = 3
_FEATURE_BYTES = b"SHFB\x03"  # exit-extended and distinct stdout/stderr
_ENOENT, _EBADF = 2, 9


@dataclass
class ProgramExit(Exception):  # noqa: N818 - an event, not an error
    """The program ended itself."""

    code: int


@dataclass(frozen=True)
class Host:
    """What the calls need of the machine.

    Attributes:
        read: Reads guest memory: address, size -> bytes.
        write: Writes guest memory: address, bytes.
        output: Takes what the program prints.
        cycles: Simulated cycles so far.
        clock_hz: Cycles per second.
        heap: Heap base, heap limit, stack base, stack limit.
        command_line: The program's name.
    """

    read: Callable[[int, int], bytes]
    write: Callable[[int, bytes], None]
    output: Callable[[bytes], None]
    cycles: Callable[[], int]
    clock_hz: int
    heap: tuple[int, int, int, int]
    command_line: str


class Semihosting:
    """The semihosting calls of one program."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._handles: dict[int, int] = {}
        self._feature_position = 0
        self._errno = 0
        self._calls: dict[int, Callable[[int], int]] = {
            0x01: self._open,
            0x02: self._close,
            0x03: self._write_character,
            0x04: self._write_string,
            0x05: self._write,
            0x06: self._read,
            0x07: lambda _: -1,  # READC: no keyboard
            0x08: self._is_error,
            0x09: self._is_tty,
            0x0A: self._seek,
            0x0C: self._length,
            0x0D: self._refuse,  # TMPNAM
            0x0E: self._refuse,  # REMOVE
            0x0F: self._refuse,  # RENAME
            0x10: self._clock,
            0x11: self._time,
            0x12: self._refuse,  # SYSTEM
            0x13: lambda _: self._errno,
            0x15: self._command_line,
            0x16: self._heap_information,
            0x18: self._exit,
            0x20: self._exit_extended,
            0x30: self._elapsed,
            0x31: lambda _: self.host.clock_hz,
        }

    def call(self, operation: int, argument: int) -> int:
        """Carry out one call and return its result.

        Raises:
            ProgramExit: The program ends.
        """
        handler = self._calls.get(operation)
        return handler(argument) & 0xFFFFFFFF if handler else 0xFFFFFFFF

    def _words(self, address: int, count: int) -> list[int]:
        data = self.host.read(address, 4 * count)
        return [int.from_bytes(data[4 * i : 4 * i + 4], "little") for i in range(count)]

    def _fail(self, error: int) -> int:
        self._errno = error
        return -1

    def _open(self, argument: int) -> int:
        name_address, mode, length = self._words(argument, 3)
        name = self.host.read(name_address, min(length, 4096))
        if name == b":tt":
            kind = _STDIN if mode < 4 else _STDOUT
        elif name == b":semihosting-features" and mode < 4:
            kind, self._feature_position = _FEATURES, 0
        else:
            return self._fail(_ENOENT)
        handle = max(self._handles, default=0) + 1
        self._handles[handle] = kind
        return handle

    def _close(self, argument: int) -> int:
        (handle,) = self._words(argument, 1)
        return 0 if self._handles.pop(handle, None) else self._fail(_EBADF)

    def _write_character(self, argument: int) -> int:
        self.host.output(self.host.read(argument, 1))
        return 0

    def _write_string(self, argument: int) -> int:
        text = bytearray()
        while len(text) < 1 << 20:
            byte = self.host.read(argument + len(text), 1)
            if byte == b"\0":
                break
            text += byte
        self.host.output(bytes(text))
        return 0

    def _write(self, argument: int) -> int:
        handle, address, length = self._words(argument, 3)
        if self._handles.get(handle) != _STDOUT:
            self._fail(_EBADF)
            return length
        self.host.output(self.host.read(address, length))
        return 0

    def _read(self, argument: int) -> int:
        handle, address, length = self._words(argument, 3)
        kind = self._handles.get(handle)
        if kind == _FEATURES:
            data = _FEATURE_BYTES[self._feature_position :][:length]
            self._feature_position += len(data)
            self.host.write(address, data)
            return length - len(data)
        if kind == _STDIN:
            return length  # end of file: a simulated program has no keyboard
        self._fail(_EBADF)
        return length

    def _is_error(self, argument: int) -> int:
        (status,) = self._words(argument, 1)
        return int(status >> 31)

    def _is_tty(self, argument: int) -> int:
        (handle,) = self._words(argument, 1)
        return int(self._handles.get(handle) in (_STDIN, _STDOUT))

    def _seek(self, argument: int) -> int:
        handle, position = self._words(argument, 2)
        if self._handles.get(handle) != _FEATURES:
            return self._fail(_EBADF)
        self._feature_position = position
        return 0

    def _length(self, argument: int) -> int:
        (handle,) = self._words(argument, 1)
        return len(_FEATURE_BYTES) if self._handles.get(handle) == _FEATURES else 0

    def _refuse(self, _argument: int) -> int:
        return self._fail(_ENOENT)

    def _clock(self, _argument: int) -> int:
        return self.host.cycles() * 100 // self.host.clock_hz

    def _time(self, _argument: int) -> int:
        # Seconds since 1970 on a device whose clock was never set, so that runs repeat.
        return self.host.cycles() // self.host.clock_hz

    def _elapsed(self, argument: int) -> int:
        self.host.write(argument, (self.host.cycles() & (1 << 64) - 1).to_bytes(8, "little"))
        return 0

    def _command_line(self, argument: int) -> int:
        address, length = self._words(argument, 2)
        text = self.host.command_line.encode()[: max(0, length - 1)]
        self.host.write(address, text + b"\0")
        self.host.write(argument + 4, len(text).to_bytes(4, "little"))
        return 0

    def _heap_information(self, argument: int) -> int:
        (block,) = self._words(argument, 1)
        self.host.write(block, b"".join(value.to_bytes(4, "little") for value in self.host.heap))
        return 0

    def _exit(self, argument: int) -> int:
        # On 32-bit targets the argument is the reason itself; 0x20026 is a normal end.
        raise ProgramExit(0 if argument == 0x20026 else 1)

    def _exit_extended(self, argument: int) -> int:
        reason, code = self._words(argument, 2)
        raise ProgramExit(code if reason == 0x20026 else 1)
