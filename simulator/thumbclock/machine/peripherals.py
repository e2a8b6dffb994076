"""The private peripheral bus: cycle counter, SysTick, and the registers that start-up code touches.

Nothing is mapped at 0xE0000000 in Unicorn, so an access stops there with an exact program counter;
the machine completes the units that ran, and carries out the one load or store with these models.
"""

from collections.abc import Callable

__all__ = ["PrivatePeripherals", "ResetRequest"]

_BASE, _END = 0xE0000000, 0xE0100000
_WORD = 0xFFFFFFFF

_DWT_CTRL, _DWT_CYCCNT = 0xE0001000, 0xE0001004
_SYST_CSR, _SYST_RVR, _SYST_CVR, _SYST_CALIB = 0xE000E010, 0xE000E014, 0xE000E018, 0xE000E01C
_CPUID, _AIRCR, _CPACR, _DEMCR = 0xE000ED00, 0xE000ED0C, 0xE000ED88, 0xE000EDFC
_CTR, _CCR, _NVIC_ENABLE = 0xE000ED7C, 0xE000ED14, 0xE000E100

_NO_CYCLE_COUNTER = 1 << 25  # of DWT_CTRL

_CPUIDS = {
    "cortex-m0": 0x410CC200,
    "cortex-m0plus": 0x410CC601,
    "cortex-m4": 0x410FC241,
    "cortex-m7": 0x411FC271,
    "cortex-m33": 0x410FD214,
}


_CYCCNT_READ = "the DWT's cycle counter, which the program read: this core has only SysTick"


class ResetRequest(Exception):  # noqa: N818 - an event, not an error
    """The program asked for a system reset through AIRCR."""


class PrivatePeripherals:
    """The registers at 0xE0000000, with time from the simulated cycle count."""

    def __init__(
        self, core_name: str, cycles: Callable[[], int], *, has_cycle_counter: bool = True
    ) -> None:
        self._cycles = cycles
        self._has_cycle_counter = has_cycle_counter
        self._registers: dict[int, int] = {_CPUID: _CPUIDS.get(core_name, 0), _CTR: 0x8303C003}
        self._counter_base = 0
        self._counter_stopped: int | None = 0
        self._tick_start = 0
        self._ignored: dict[str, None] = {}

    @property
    def ignored(self) -> tuple[str, ...]:
        """What the program asked of the core that is not simulated, each told once."""
        return tuple(self._ignored)

    def set_fpu(self, *, enabled: bool) -> None:
        """Set CPACR as a debugger or a runtime would have left it."""
        self._registers[_CPACR] = 0xF << 20 if enabled else 0

    def __contains__(self, address: int) -> bool:
        return _BASE <= address < _END

    @property
    def fpu_enabled(self) -> bool:
        """Whether CPACR gives full access to the FPU (CP10 and CP11)."""
        return self._registers.get(_CPACR, 0) >> 20 & 0xF == 0xF

    def read(self, address: int, size_bytes: int) -> int:
        """Read a register, or part of one."""
        word = self._read_word(address & ~3)
        return word >> 8 * (address & 3) & (1 << 8 * size_bytes) - 1

    def write(self, address: int, size_bytes: int, value: int) -> None:
        """Write a register, or part of one.

        Raises:
            ResetRequest: The write asks for a reset.
        """
        aligned, shift = address & ~3, 8 * (address & 3)
        mask = ((1 << 8 * size_bytes) - 1) << shift
        old = self._registers.get(aligned, 0)
        self._write_word(aligned, old & ~mask & _WORD | value << shift & mask)

    def _read_word(self, address: int) -> int:
        if address == _DWT_CTRL and not self._has_cycle_counter:
            return _NO_CYCLE_COUNTER
        if address == _DWT_CYCCNT:
            if not self._has_cycle_counter:
                self._ignored[_CYCCNT_READ] = None
            return self._counter() & _WORD
        if address == _SYST_CVR:
            return self._tick_value()
        if address == _SYST_CSR:
            value = self._registers.get(_SYST_CSR, 0)
            if self._tick_wrapped():
                value |= 1 << 16
                self._restart_tick_count()
            return value
        if address == _SYST_CALIB:
            return 0xC0000000  # no reference clock, no calibrated value
        return self._registers.get(address, 0)

    def _write_word(self, address: int, value: int) -> None:
        if address == _AIRCR and value >> 16 == 0x05FA and value & 5:
            raise ResetRequest
        if address == _DWT_CYCCNT and not self._has_cycle_counter:
            return
        if address == _DWT_CYCCNT:
            self._counter_base = self._cycles() - value
            if self._counter_stopped is not None:
                self._counter_stopped = value
            return
        if address == _SYST_CVR:
            self._tick_start = self._cycles()
            return
        if address in (_CPUID, _CTR):
            return
        if address == _DWT_CTRL and not self._has_cycle_counter:
            return
        self._note_ignored(address, value)
        running = self._counter_runs()
        if address == _SYST_CSR and value & 1 and not self._registers.get(_SYST_CSR, 0) & 1:
            self._tick_start = self._cycles()
        self._registers[address] = value
        if self._counter_runs() and not running:
            self._counter_base = self._cycles() - (self._counter_stopped or 0)
            self._counter_stopped = None
        elif running and not self._counter_runs():
            self._counter_stopped = self._cycles() - self._counter_base

    def _note_ignored(self, address: int, value: int) -> None:
        asked = {
            (_SYST_CSR, 1 << 1): "the SysTick interrupt, which the program enabled",
            (_CCR, 1 << 4): "the trap on division by zero, which the program enabled",
            (_CCR, 1 << 3): "the trap on unaligned accesses, which the program enabled",
        }
        for (register, bit), what in asked.items():
            if address == register and value & bit:
                self._ignored[what] = None
        if _NVIC_ENABLE <= address < _NVIC_ENABLE + 64 and value:
            self._ignored["interrupts, which the program enabled in the NVIC"] = None

    def _counter_runs(self) -> bool:
        enabled = self._registers.get(_DEMCR, 0) >> 24 & 1
        return bool(enabled and self._registers.get(_DWT_CTRL, 0) & 1)

    def _counter(self) -> int:
        if self._counter_stopped is not None:
            return self._counter_stopped
        return self._cycles() - self._counter_base

    def _tick_period(self) -> int:
        return (self._registers.get(_SYST_RVR, 0) & 0xFFFFFF) + 1

    def _tick_value(self) -> int:
        if not self._registers.get(_SYST_CSR, 0) & 1 or self._tick_period() == 1:
            return 0
        elapsed = self._cycles() - self._tick_start
        return -elapsed % self._tick_period()

    def _tick_wrapped(self) -> bool:
        if not self._registers.get(_SYST_CSR, 0) & 1:
            return False
        return self._cycles() - self._tick_start >= self._tick_period()

    def _restart_tick_count(self) -> None:
        period = self._tick_period()
        self._tick_start += (self._cycles() - self._tick_start) // period * period
