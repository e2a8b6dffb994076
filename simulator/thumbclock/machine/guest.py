"""The simulated device: Unicorn with a board's memories, whose bytes this process can see."""

import ctypes
import functools
import os
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import unicorn
from unicorn import arm_const
from unicorn.unicorn_py3 import unicorn as binding

from thumbclock.errors import ThumbclockError, UsageError
from thumbclock.memory import MemoryMap, Region
from thumbclock.profiles import Profile

__all__ = ["REGISTER_IDS", "Guest"]

REGISTER_IDS = (
    *(arm_const.UC_ARM_REG_R0 + i for i in range(13)),
    arm_const.UC_ARM_REG_SP,
    arm_const.UC_ARM_REG_LR,
    arm_const.UC_ARM_REG_PC,
)
"""Unicorn's numbers of r0 to r15."""

_MODELS = {
    "cortex-m0": arm_const.UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": arm_const.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm_const.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm_const.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm_const.UC_CPU_ARM_CORTEX_M33,
}
_IT_BITS, _FLAG_BITS, _THUMB_BIT = 0x0600FC00, 0xF80F0000, 0x20
_PAGE = 4096


class Guest:
    """A Unicorn engine and the memories behind it."""

    def __init__(self, profile: Profile) -> None:
        self.memory = MemoryMap(profile.board)
        model = _MODELS.get(profile.core.unicorn_model)
        if model is None:
            raise UsageError(
                f"{profile.core.path}: unicorn_model {profile.core.unicorn_model!r} is unknown; "
                f"expected one of {', '.join(_MODELS)}"
            )
        # Never UC_MODE_MCLASS: it forces the Cortex-M33 whatever model is asked for.
        self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(model)
        self._buffers: dict[int, npt.NDArray[np.uint8]] = {}
        self._executable: set[int] = set()
        storage: dict[str, npt.NDArray[np.uint8]] = {}
        for region in self.memory.regions:
            buffer = storage.setdefault(region.memory.name, _allocate(region.memory.size_bytes))
            self._buffers[region.base] = buffer
            self._map(region, buffer)
        self.on_failed_store: Callable[[], None] = lambda: None
        self._failed_store: tuple[int, Any] | None = None
        self.uc.hook_add(
            unicorn.UC_HOOK_MEM_WRITE_UNMAPPED | unicorn.UC_HOOK_MEM_WRITE_PROT,
            self._on_failed_store,
        )
        if self.uc.ctl_get_cpu_model() != model:
            raise ThumbclockError("Unicorn did not take the CPU model; expected unicorn 2.1.4")

    def _map(self, region: Region, buffer: npt.NDArray[np.uint8]) -> None:
        size = -(-region.memory.size_bytes // _PAGE) * _PAGE
        # RAM starts without execute permission: while Unicorn believes that code may lie in a
        # page, every store to it looks for code to invalidate.
        permissions = unicorn.UC_PROT_READ
        if region.memory.writable:
            permissions |= unicorn.UC_PROT_WRITE
        elif region.memory.executable:
            permissions |= unicorn.UC_PROT_EXEC
        self.uc.mem_map_ptr(region.base, size, permissions, buffer.ctypes.data)

    def allow_execution(self, address: int) -> bool:
        """Make the memory at ``address`` executable; return False where the board does not."""
        region = self.memory.region_at(address)
        if region is None or not region.memory.executable or region.base in self._executable:
            return False
        size = -(-region.memory.size_bytes // _PAGE) * _PAGE
        self.uc.mem_protect(region.base, size, unicorn.UC_PROT_ALL)
        self._executable.add(region.base)
        return True

    # Memory.

    def load(self, address: int, data: bytes, what: str) -> None:
        """Put bytes into memory, flash included; the range must lie in one memory."""
        region = self.memory.require(address, len(data), what)
        offset = address - region.base
        self._buffers[region.base][offset : offset + len(data)] = np.frombuffer(data, np.uint8)

    def read(self, address: int, size_bytes: int) -> bytes:
        """Read guest memory."""
        region = self.memory.require(address, size_bytes, "a read by the host")
        offset = address - region.base
        return self._buffers[region.base][offset : offset + size_bytes].tobytes()

    def read_code(self, address: int, size_bytes: int) -> bytes:
        """Read up to ``size_bytes``, fewer at the end of a memory, none where nothing is mapped."""
        region = self.memory.region_at(address)
        if region is None:
            return b""
        return self.read(address, min(size_bytes, region.end - address))

    def read_word(self, address: int) -> int | None:
        """Read a word, None where nothing is mapped."""
        data = self.read_code(address, 4)
        return int.from_bytes(data, "little") if len(data) == 4 else None

    def write(self, address: int, data: bytes) -> None:
        """Write guest memory and forget code that was translated from there."""
        self.load(address, data, "a write by the host")
        if self.memory.require(address, len(data), "a write by the host").memory.executable:
            self.uc.ctl_remove_cache(address, address + len(data))

    def host_regions(self) -> list[tuple[int, int, int]]:
        """Return guest base, size and host address of every region."""
        return [
            (r.base, r.memory.size_bytes, self._buffers[r.base].ctypes.data)
            for r in self.memory.regions
        ]

    # Registers.

    def register(self, number: int) -> int:
        """Return r0 to r15."""
        return int(self.uc.reg_read(REGISTER_IDS[number]))

    def set_register(self, number: int, value: int) -> None:
        """Set r0 to r15."""
        self.uc.reg_write(REGISTER_IDS[number], value & 0xFFFFFFFF)

    def registers(self) -> dict[str, int]:
        """Return the core registers by name, for a report."""
        names = [*(f"r{i}" for i in range(13)), "sp", "lr", "pc"]
        found = {name: self.register(i) for i, name in enumerate(names)}
        cpsr = int(self.uc.reg_read(arm_const.UC_ARM_REG_CPSR))
        # Unicorn keeps the A-profile layout; flags, GE and IT are where xPSR has them, T is not.
        found["xpsr"] = cpsr & (_FLAG_BITS | _IT_BITS) | self.is_thumb() << 24
        return found

    def is_thumb(self) -> bool:
        """Return whether the core is in Thumb state, the only one that M-profile cores have."""
        return bool(int(self.uc.reg_read(arm_const.UC_ARM_REG_CPSR)) & _THUMB_BIT)

    def it_state(self) -> int:
        """Return ITSTATE."""
        cpsr = int(self.uc.reg_read(arm_const.UC_ARM_REG_CPSR))
        return (cpsr >> 10 & 0x3F) << 2 | cpsr >> 25 & 3

    def set_it_state(self, it_state: int) -> None:
        """Set ITSTATE; what a fault left behind would predicate whatever runs next."""
        cpsr = int(self.uc.reg_read(arm_const.UC_ARM_REG_CPSR)) & ~_IT_BITS
        cpsr |= (it_state >> 2 & 0x3F) << 10 | (it_state & 3) << 25
        self.uc.reg_write(arm_const.UC_ARM_REG_CPSR, cpsr & 0xFFFFFFFF)

    # Stores that fail.

    @property
    def has_failed_store(self) -> bool:
        """Whether a store has failed, and the emulator is on its way to where it stops for it."""
        return self._failed_store is not None

    def return_to_failed_store(self) -> None:
        """Undo what ran behind a store that failed: Unicorn 2.1.4 goes on behind an IT block.

        The program counter is then that of the store, and all registers are those in front of it.
        """
        failed, self._failed_store = self._failed_store, None
        if failed is not None and failed[0] != self.register(15):
            self.uc.context_restore(failed[1])

    def _on_failed_store(self, *_: object) -> bool:
        if self._failed_store is None:
            self._failed_store = self.register(15), self.uc.context_save()
            self.on_failed_store()
        return False

    # Hooks.

    @property
    def handle(self) -> int:
        """Address of the uc_engine."""
        return ctypes.cast(self.uc._uch, ctypes.c_void_p).value or 0

    def add_native_hook(
        self, kind: int, function: int, user_data: int, begin: int = 1, end: int = 0
    ) -> None:
        """Install a hook by the address of a C function."""
        hook = ctypes.c_size_t()
        status = binding.uclib.uc_hook_add(
            self.uc._uch,
            ctypes.byref(hook),
            ctypes.c_int(kind),
            ctypes.cast(function, ctypes.c_void_p),
            ctypes.c_void_p(user_data),
            ctypes.c_uint64(begin),
            ctypes.c_uint64(end),
        )
        if status != unicorn.UC_ERR_OK:
            raise unicorn.UcError(status)

    def register_file_address(self) -> int:
        """Return the host address of r0 to r15, 0 where it cannot be found.

        Unicorn has no call for it. On Linux the process can look through its own memory without
        risk: the registers are set to a pattern, and the pattern is searched for behind the
        pointers of the engine's structure. Found twice or not at all, registers are read with
        ``uc_reg_read``, which costs some nanoseconds each. The place is checked by a second
        pattern, so a wrong one is not taken.
        """
        before = [self.register(i) for i in range(16)]
        try:
            return self._search_registers()
        finally:
            for number, value in enumerate(before[:15]):
                self.set_register(number, value)

    def _search_registers(self) -> int:
        pattern = self._mark_registers(0x5EED0000)
        candidates = [
            pointer + offset
            for pointer in _pointers(self.handle)
            for offset in _places(_peek(pointer, 1 << 16), pattern)
        ]
        candidates = sorted(set(candidates))
        pattern = self._mark_registers(0x0DDBA110)
        confirmed = [c for c in candidates if _peek(c, len(pattern)) == pattern]
        return confirmed[0] if len(confirmed) == 1 else 0

    def _mark_registers(self, seed: int) -> bytes:
        values = [(seed + i * 0x01234567) & 0xFFFFFFFF for i in range(13)]
        for number, value in enumerate(values):
            self.set_register(number, value)
        return struct.pack("<13I", *values)


def _allocate(size_bytes: int) -> npt.NDArray[np.uint8]:
    """Return zeroed memory at a page boundary, as Unicorn wants it."""
    rounded = -(-size_bytes // _PAGE) * _PAGE
    raw = np.zeros(rounded + _PAGE, np.uint8)
    start = -raw.ctypes.data % _PAGE
    return raw[start : start + rounded]


def _peek(address: int, size_bytes: int) -> bytes:
    """Read this process's own memory; empty where it cannot be read."""
    reader = _self_memory()
    return reader(address, size_bytes) if reader else b""


@functools.cache
def _self_memory() -> Callable[[int, int], bytes] | None:
    try:
        descriptor = os.open("/proc/self/mem", os.O_RDONLY)
    except OSError:
        return None

    def read(address: int, size_bytes: int) -> bytes:
        try:
            return os.pread(descriptor, size_bytes, address)
        except (OSError, OverflowError):
            return b""

    return read


def _pointers(structure: int) -> list[int]:
    """Return what looks like pointers in the first page of a structure."""
    data = _peek(structure, _PAGE)
    words: tuple[Any, ...] = struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8])
    return sorted({int(word) for word in words if 1 << 16 <= word < 1 << 47})


def _places(data: bytes, pattern: bytes) -> list[int]:
    found, position = [], data.find(pattern)
    while position >= 0:
        found.append(position)
        position = data.find(pattern, position + 4)
    return found
