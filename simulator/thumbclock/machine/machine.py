"""A simulated microcontroller: an image on a board, run, called, and priced."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import unicorn

from thumbclock.cores import Access, pipeline_model
from thumbclock.energy import energy
from thumbclock.errors import SimulationFault, UsageError
from thumbclock.isa import Instruction, decode
from thumbclock.isa.instruction import PC
from thumbclock.machine import native
from thumbclock.machine.account import Account
from thumbclock.machine.bounds import Bounds
from thumbclock.machine.checks import Fault, Functions, check
from thumbclock.machine.engine import Engine, MemoisedEngine
from thumbclock.machine.guest import Guest
from thumbclock.machine.image import Extent, Image, load_image
from thumbclock.machine.peripherals import PrivatePeripherals, ResetRequest
from thumbclock.machine.semihosting import Host, ProgramExit, Semihosting
from thumbclock.machine.stepping import SteppedEngine
from thumbclock.memory import Timing
from thumbclock.profiles import AccuracyStatement, Memory, Profile, load_profile
from thumbclock.result import (
    EnergyUj,
    Exit,
    ExitReason,
    FaultReport,
    FunctionCost,
    ModelError,
    ModelStatement,
    RunResult,
    Toolchain,
    waiting_cycles,
)
from thumbclock.result import Image as ImageRecord

__all__ = ["RETURN_ADDRESS", "CallResult", "Machine", "simulate"]

# Where a called function returns to: unmapped on every board, and in a region from which the
# architecture lets code run, so that Unicorn stops there instead of raising a prefetch abort.
RETURN_ADDRESS = 0x1EFFFFFE
# Instructions between two looks at the clock: well below a second for either engine.
_SLICES = {"memoised": 20_000_000, "stepped": 10_000}
_CALL_INSTRUCTIONS = 4_000_000_000
_SVC, _PREFETCH_ABORT, _DATA_ABORT, _BKPT = 2, 3, 4, 7
_SEMIHOSTING = 0xBEAB

Progress = Callable[[int, int], None]
"""Called now and then with cycles and instructions so far."""


@dataclass(frozen=True)
class CallResult:
    """The outcome of one function call.

    Attributes:
        value: What it returned in r0, unsigned.
        cycles: From its first instruction to its return, with the pipeline idle at the start.
        instructions: Executed, predicated-out ones included.
        stack_bytes: How deep it went below the caller's stack pointer.
    """

    value: int
    cycles: int
    instructions: int
    stack_bytes: int


@dataclass(frozen=True)
class _Stop:
    reason: ExitReason
    code: int | None = None


class Machine:
    """An image loaded on a board.

    Args:
        image: Path of an ELF, Intel HEX or raw file, or a loaded image.
        profile: Board profile, by name or loaded.
        engine: ``memoised``, or ``stepped`` for the slow reference.
        output: Takes what the program prints through semihosting; None drops it.
        base: Load address of a raw binary.

    Raises:
        UsageError: The image cannot be loaded, or does not fit the board.
    """

    def __init__(
        self,
        image: str | Path | Image,
        profile: Profile | str,
        *,
        engine: Literal["memoised", "stepped"] = "memoised",
        output: Callable[[bytes], None] | None = None,
        base: int | None = None,
    ) -> None:
        self.profile = load_profile(profile) if isinstance(profile, str) else profile
        self.image = image if isinstance(image, Image) else load_image(image, base)
        self.guest = Guest(self.profile)
        for segment in self.image.segments:
            self.guest.load(segment.address, segment.data, f"{self.image.name}: a segment")
        for start, end in self.image.reserved:
            self.guest.memory.require(start, end - start, f"{self.image.name}: its memory")
        self._functions = Functions(self.image, native.MAX_FUNCTIONS - 1)
        # The part's FPU may be another than the core profile's.
        pipeline = pipeline_model(replace(self.profile.core, fpu=self.profile.fpu))
        self._instruction_set = pipeline.instruction_set
        timing = Timing(pipeline, self.guest.memory)
        kind = MemoisedEngine if engine == "memoised" else SteppedEngine
        self._slice = _SLICES[engine]
        self.engine: Engine = kind(self.guest, timing, self._functions)
        self._stack_top, self._entry = self._reset_vector()
        self._peripherals = PrivatePeripherals(
            self.profile.core.name,
            lambda: self.engine.cycles,
            has_cycle_counter=self._instruction_set.version > 6,
        )
        self._semihosting = Semihosting(
            Host(
                read=self.guest.read,
                write=self.write,
                output=output or (lambda _: None),
                cycles=lambda: self.engine.cycles,
                clock_hz=self.profile.clock_hz,
                heap=self._heap(),
                command_line=self.image.name,
            )
        )
        self.engine.fpu_enabled = self._starts_with_fpu()
        self._peripherals.set_fpu(enabled=self.engine.fpu_enabled)
        self._interrupt: int | None = None
        self._started = False
        self._fault: FaultReport | None = None
        self._stop = _Stop("returned")
        self._deepest_stack = 0
        self.guest.uc.hook_add(unicorn.UC_HOOK_INTR, self._on_interrupt)

    # Where the program starts.

    def _reset_vector(self) -> tuple[int, int]:
        """Return the initial stack pointer and the address of the first instruction."""
        self._has_vectors = False
        board_bases = [r.base for r in self.guest.memory.regions if r.memory.executable]
        lowest = min(segment.address for segment in self.image.segments)
        for base in (*self.image.vector_candidates, lowest, *board_bases):
            stack, entry = self.guest.read_word(base), self.guest.read_word(base + 4)
            if stack and entry and self._is_vector(stack, entry):
                self._has_vectors = True
                return stack, entry & ~1
        if self.image.entry is None:
            raise UsageError(
                f"{self.image.name} has no vector table and no entry point; a raw or HEX image "
                "must start with its initial stack pointer and reset handler"
            )
        return self._default_stack_top(), self.image.entry & ~1

    def _is_vector(self, stack: int, entry: int) -> bool:
        region = self.guest.memory.region_at(stack - 1)
        if region is None or not region.memory.writable or stack % 4 or not entry & 1:
            return False
        entry &= ~1
        return any(s.address <= entry < s.address + len(s.data) for s in self.image.segments) or (
            any(start <= entry < end for start, end in self.image.reserved)
        )

    def _default_stack_top(self) -> int:
        memory = self._data_memory()
        return memory.base + memory.size_bytes

    def _data_memory(self) -> Memory:
        return self.profile.board.default_placement["stack"]

    def _heap(self) -> tuple[int, int, int, int]:
        """Return heap base and limit, stack base and limit, as SYS_HEAPINFO wants them."""
        top = self._stack_top
        region = self.guest.memory.region_at(top - 1)
        base = region.base if region else 0
        used = [end for _, end in self.image.reserved if base <= end < top]
        start = (max(used, default=base) + 7) & ~7
        return start, (start + top) // 2 & ~7, top, (start + top) // 2 & ~7

    def _stack_limit(self) -> int:
        """Return the address below which the stack would overwrite the program's data."""
        top = self._stack_top
        region = self.guest.memory.region_at(top - 1)
        if region is None:
            return 0
        limit = self.image.symbols.get("__stack_limit", 0)
        if region.base <= limit < top:
            return limit
        used = [
            end for start, end in self.image.reserved if start < top and region.base <= end <= top
        ]
        return max(used, default=region.base)

    def _starts_with_fpu(self) -> bool:
        """Return whether the FPU is on before any code ran: for images without start-up code."""
        return self.profile.fpu is not None and not self._has_vectors

    # The outside.

    def symbol(self, name: str) -> int:
        """Return a symbol's address, bit 0 cleared for functions.

        Raises:
            UsageError: The image has no such symbol.
        """
        try:
            return self.image.symbols[name]
        except KeyError:
            pass
        close = [s for s in self.image.symbols if name.lower() in s.lower()][:5]
        hint = f"; did you mean {', '.join(close)}?" if close else ""
        has = "no symbol table" if not self.image.symbols else f"no symbol {name!r}"
        raise UsageError(f"{self.image.name} has {has}{hint}")

    def read(self, address: int, size_bytes: int) -> bytes:
        """Read guest memory."""
        return self.guest.read(address, size_bytes)

    def write(self, address: int, data: bytes) -> None:
        """Write guest memory; code that was overwritten is priced anew."""
        self.guest.write(address, data)
        self.engine.forget_code(address, len(data))

    def restrict(self, readable: Iterable[Extent], writable: Iterable[Extent]) -> None:
        """Let what runs from now on touch nothing but these, its stack and its literals.

        An access elsewhere ends the run with a fault of kind ``memory check``.

        Args:
            readable: What may be read.
            writable: What may be read and written.

        Raises:
            UsageError: The machine has the memoised engine, which does not see every address.
        """
        if not isinstance(self.engine, SteppedEngine):
            raise UsageError(
                "the memoised engine cannot check accesses; make the machine with engine='stepped'"
            )
        top, limit = self._stack_top, self._stack_limit()
        stack = Extent(limit, top - limit, "the stack")
        self.engine.bounds = Bounds(readable, [*writable, stack])

    @property
    def cycles(self) -> int:
        """Cycles since the machine was made."""
        return self.engine.cycles

    def start(
        self,
        until: str | int,
        *,
        max_instructions: int = _CALL_INSTRUCTIONS,
        timeout_s: float | None = None,
    ) -> None:
        """Run from reset until a place is about to run: start-up code, then the harness.

        Args:
            until: Symbol or address.
            max_instructions: Limit of this run.
            timeout_s: Limit in seconds of the host's time.

        Raises:
            SimulationFault: The program ended, faulted or reached a limit before.
            UsageError: There is no such symbol.
        """
        self._refuse_second_start()
        self.resume(until, max_instructions=max_instructions, timeout_s=timeout_s)

    def resume(
        self,
        until: str | int | None = None,
        *,
        max_instructions: int = _CALL_INSTRUCTIONS,
        timeout_s: float | None = None,
    ) -> None:
        """Go on, at first from reset, until a place is about to run; for the next time if it is.

        Args:
            until: Symbol or address; None for the program's own end.
            max_instructions: Limit of this part of the run.
            timeout_s: Limit in seconds of the host's time.

        Raises:
            SimulationFault: The program ended, faulted or reached a limit before.
            UsageError: There is no such symbol.
        """
        target = None if until is None else self._address(until)
        is_fresh = not self._started
        if is_fresh:
            self._reset()
        address = self.guest.register(PC)
        limit = self.engine.instructions + max_instructions
        if until is None or target is None:
            self._finish_run(address, limit, timeout_s)
        elif address != target:
            self._reach(address, until, target, limit, timeout_s)
        elif not is_fresh:
            self._leave(address, until, timeout_s)
            if self.guest.register(PC) != target:
                self._reach(self.guest.register(PC), until, target, limit, timeout_s)

    def _finish_run(self, address: int, limit: int, timeout_s: float | None) -> None:
        self._stop = self._run(address, RETURN_ADDRESS, limit, timeout_s, None)
        self.engine.finish()
        if self._stop.reason not in ("exit", "returned", "idle"):
            self._raise(self._stop, "before its end")

    def _leave(self, address: int, until: str | int, timeout_s: float | None) -> None:
        """Run the block that begins here: Unicorn would not move from where it is to end."""
        block = self.engine.instructions + 1
        stop = self._run(address, RETURN_ADDRESS, block, timeout_s, None)
        if stop.reason != "instruction_limit":
            self._stop = stop
            self._raise(stop, f"before it came to {_place(until)} again")

    def _reach(
        self, address: int, until: str | int, target: int, limit: int, timeout_s: float | None
    ) -> None:
        """Run from an address until another is about to run, and raise where it does not."""
        # Unicorn looks for the end of a run when it translates: what it translated with another
        # end in mind would run through this one, and what it translates now would stop there.
        self.guest.uc.ctl_remove_cache(target, target + 2)
        stop = self._run(address, target, limit, timeout_s, None)
        self.guest.uc.ctl_remove_cache(target, target + 2)
        if self.guest.register(PC) != target or stop.reason != "returned":
            self._stop = stop
            self._raise(stop, f"before it reached {_place(until)}")

    def _address(self, place: str | int) -> int:
        return self.symbol(place) if isinstance(place, str) else place & ~1

    def call(
        self,
        function: str | int,
        *arguments: int,
        max_instructions: int = _CALL_INSTRUCTIONS,
        timeout_s: float | None = None,
    ) -> CallResult:
        """Call a function by the AAPCS and return what it gave back and what it cost.

        Args:
            function: Symbol or address.
            arguments: Integers and addresses, the first four in r0 to r3, the rest on the stack.
            max_instructions: Limit of this call.
            timeout_s: Limit in seconds of the host's time.

        Raises:
            SimulationFault: The function faulted, ended the program or reached a limit.
            UsageError: There is no such function.
        """
        address = self._address(function)
        if not self._started:
            self._reset()
            self.engine.fpu_enabled = self.profile.fpu is not None
            self._peripherals.set_fpu(enabled=self.engine.fpu_enabled)
        guest = self.guest
        before = guest.register(13)
        stack = (before - 4 * max(0, len(arguments) - 4)) & ~7
        for number, argument in enumerate(arguments[:4]):
            guest.set_register(number, argument)
        for number, argument in enumerate(arguments[4:]):
            guest.write(stack + 4 * number, (argument & 0xFFFFFFFF).to_bytes(4, "little"))
        guest.set_register(13, stack)
        guest.set_register(14, RETURN_ADDRESS | 1)
        guest.set_it_state(0)
        cycles, instructions = self.engine.cycles, self.engine.instructions
        self.engine.finish()
        self.engine.begin(address, self._stack_limit())
        limit = instructions + max_instructions
        stop = self._run(address, RETURN_ADDRESS, limit, timeout_s, None)
        self.engine.finish()
        depth = stack - min(stack, self.engine.stack_lowest)
        self._deepest_stack = max(self._deepest_stack, depth)
        if stop.reason != "returned":
            self._stop = stop
            self._raise(
                stop, f"in a call of {function if isinstance(function, str) else hex(address)}"
            )
        guest.set_register(13, before)
        return CallResult(
            value=guest.register(0),
            cycles=self.engine.cycles - cycles,
            instructions=self.engine.instructions - instructions,
            stack_bytes=depth,
        )

    def run(
        self,
        *,
        max_instructions: int | None = None,
        timeout_s: float | None = None,
        progress: Progress | None = None,
    ) -> RunResult:
        """Run from reset to the program's end and return the result; faults are in the result."""
        self._reset()
        limit = max_instructions if max_instructions is not None else 1 << 62
        self._stop = self._run(self._entry, RETURN_ADDRESS, limit, timeout_s, progress)
        self.engine.finish()
        self._deepest_stack = max(
            self._deepest_stack, self._stack_top - min(self._stack_top, self.engine.stack_lowest)
        )
        return self.result()

    def result(self, toolchain: Toolchain | None = None) -> RunResult:
        """Return the sums of everything that ran on this machine."""
        profile, account, image = self.profile, self.engine.account(), self.image
        cycles = self.engine.cycles
        return RunResult(
            image=ImageRecord(name=image.name, sha256=image.sha256),
            profile=profile.name,
            toolchain=toolchain,
            clock_hz=profile.clock_hz,
            supply_v=profile.supply_v,
            caches=tuple(cache.name for cache in profile.board.enabled_caches),
            cache_misses=dict(account.misses),
            cycles=cycles,
            instructions=self.engine.instructions,
            time_us=cycles / profile.clock_hz * 1e6,
            energy_uj=self._energy(account),
            stack_bytes=self._deepest_stack,
            ram_bytes=image.ram_bytes,
            flash_bytes=image.flash_bytes,
            exit=Exit(reason=self._stop.reason, code=self._stop.code),
            functions=self._function_costs(),
            stalls=dict(sorted(account.stalls.items())),
            mix=dict(sorted(account.mix.items())),
            model=ModelStatement(
                version=_version(),
                core=profile.core.name,
                accuracy=profile.core.accuracy.phrase,
                error=_model_error(profile.core.accuracy),
                not_modelled=(
                    *profile.core.not_modelled,
                    *profile.board.not_modelled,
                    *self._peripherals.ignored,
                ),
            ),
            fault=self._fault,
        )

    def _energy(self, account: Account) -> EnergyUj | None:
        """Add up the energy of the cycles spent in each memory that code ran from."""
        spent: dict[str, int] = {}
        for address, cycles in account.cycles.items():
            region = self.guest.memory.region_at(address)
            if region is not None:
                spent[region.memory.name] = spent.get(region.memory.name, 0) + cycles
        return energy(
            self.profile.board, spent, waiting=waiting_cycles(account.stalls), mix=account.mix
        )

    def _function_costs(self) -> tuple[FunctionCost, ...]:
        account = self.engine.account()
        cycles: dict[int, int] = {}
        counts: dict[int, int] = {}
        for address, count in account.counts.items():
            index = self._functions.index(address)
            counts[index] = counts.get(index, 0) + count
            cycles[index] = cycles.get(index, 0) + account.cycles[address]
        found = [
            FunctionCost(
                name=self._functions.name(index),
                calls=account.calls[index],
                exclusive_cycles=cycles.get(index, 0),
                inclusive_cycles=max(account.inclusive[index], cycles.get(index, 0)),
                instructions=counts.get(index, 0),
            )
            for index in counts.keys() | account.calls.keys()
        ]
        return tuple(sorted(found, key=lambda f: (-f.exclusive_cycles, f.name)))

    # Running.

    def _refuse_second_start(self) -> None:
        if self._started:
            raise UsageError("the machine already ran; make a new one to run from reset again")

    def _reset(self) -> None:
        self._refuse_second_start()
        self._started = True
        self.guest.set_register(PC, self._entry | 1)
        self.guest.set_register(13, self._stack_top)
        self.guest.set_register(14, 0xFFFFFFFF)
        self.guest.set_it_state(0)
        self.engine.begin(self._entry, self._stack_limit())

    def _run(
        self,
        address: int,
        until: int,
        limit: int,
        timeout_s: float | None,
        progress: Progress | None,
    ) -> _Stop:
        """Run in slices, serving what stops the emulation, until the program is at its end."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self.engine.deadline = deadline
        while True:
            part = min(limit, self.engine.instructions + self._slice)
            self._interrupt = None
            try:
                self.engine.resume(address, until, part)
            except unicorn.UcError as error:
                stop = self._serve_error(error)
            else:
                stop = self._serve_stop(until)
            if stop is not None:
                return stop
            address = self.guest.register(PC)
            if progress is not None:
                progress(self.engine.cycles, self.engine.instructions)
            if self.engine.instructions >= limit:
                return _Stop("instruction_limit")
            if deadline is not None and time.monotonic() > deadline:
                return _Stop("time_limit")

    def _serve_stop(self, until: int) -> _Stop | None:
        if self.engine.fault is not None:
            return self._report(self.engine.fault)
        address = self.guest.register(PC)
        if self._interrupt is not None:
            return self._serve_interrupt(self._interrupt, address)
        if address == until:
            return _Stop("returned", self.guest.register(0) if until == RETURN_ADDRESS else None)
        previous = decode(self.guest.read_code(address - 2, 4), address - 2)
        if previous.mnemonic == "wfi":
            return _Stop("idle")
        return None  # the end of a slice

    def _on_interrupt(self, uc: unicorn.Uc, number: int, _data: object) -> None:
        self._interrupt = number
        uc.emu_stop()

    def _serve_interrupt(self, number: int, address: int) -> _Stop | None:
        word = self.guest.read_word(address) or 0
        if number == _BKPT and word & 0xFFFF == _SEMIHOSTING:
            try:
                result = self._semihosting.call(self.guest.register(0), self.guest.register(1))
            except ProgramExit as end:
                return _Stop("exit", end.code)
            except UsageError as error:
                return self._report(
                    Fault(
                        "bad semihosting call",
                        f"call 0x{self.guest.register(0):x} with the parameter "
                        f"0x{self.guest.register(1):08x} cannot be served: {error}",
                        address,
                    )
                )
            self.guest.set_register(0, result)
            self.guest.set_register(PC, address + 2 | 1)
            return None
        if number == _BKPT:
            if self.image.symbols and word & 0xFF:
                return self._report(_breakpoint(address, word & 0xFF))
            return _Stop("exit", self.guest.register(0))
        if number == _PREFETCH_ABORT:
            return self._bad_fetch(address)
        if number == _DATA_ABORT:
            fault = self._unaligned(address)
            if fault is not None:
                return self._report(fault)
        what = (
            f"supervisor call at 0x{address - 2:08x}" if number == _SVC else f"exception {number}"
        )
        message = (
            f"{what}: exceptions are not simulated; use semihosting or call the function itself"
        )
        return self._report(Fault("unsupported exception", message, address))

    def _unaligned(self, address: int) -> Fault | None:
        """Return the fault of an exclusive access, whose alignment Unicorn does check."""
        instruction = self._instruction(address)
        target = self._access_address(instruction)
        if target is None:
            return None
        access = Access(address_low=target & 7)
        has = self._instruction_set
        return check(instruction, access, has, fpu_enabled=self.engine.fpu_enabled)

    def _serve_error(self, error: unicorn.UcError) -> _Stop | None:
        self.guest.return_to_failed_store()
        address = self.guest.register(PC)
        code = error.errno
        if not self.guest.is_thumb():
            return self._report(Fault.arm_state(address))
        if code == unicorn.UC_ERR_FETCH_PROT and self.guest.allow_execution(address):
            return None
        if code in (unicorn.UC_ERR_FETCH_PROT, unicorn.UC_ERR_FETCH_UNMAPPED):
            return self._bad_fetch(address)
        if code == unicorn.UC_ERR_INSN_INVALID:
            return self._invalid_instruction(address)
        instruction = self._instruction(address)
        target = self._access_address(instruction)
        if target is not None and target in self._peripherals and instruction.memory is not None:
            return self._serve_peripheral(instruction, target)
        self.engine.truncate(address, include=False)
        verb = "wrote to" if instruction.memory and not instruction.memory.is_load else "read from"
        target = self._first_bad(instruction, target)
        region = None if target is None else self.guest.memory.region_at(target)
        where = "an unmapped address" if target is None else f"0x{target:08x}"
        why = "where this board has no memory and no simulated peripheral"
        if region is not None:
            why = f"in {region.memory.name}, which a store cannot change"
        return self._report(
            Fault("BusFault", f"'{instruction.text}' {verb} {where}, {why}", address)
        )

    def _bad_fetch(self, address: int) -> _Stop:
        region = self.guest.memory.region_at(address)
        why = "where this board has no memory"
        if region is not None:
            why = f"in {region.memory.name}, from which code cannot run"
        return self._report(
            Fault(
                "BusFault (instruction fetch)",
                f"execution went to 0x{address:08x}, {why}; a bad function pointer, a return "
                "address that was overwritten, or an unset vector",
                address,
            )
        )

    def _invalid_instruction(self, address: int) -> _Stop | None:
        before = decode(self.guest.read_code(address - 2, 4), address - 2)
        if before.mnemonic in ("wfe", "yield"):
            # Unicorn refuses these hints although they are valid; they are already counted.
            self.guest.set_register(PC, address | 1)
            if before.mnemonic == "yield":
                return None
            self.engine.truncate(address - 2, include=True)
            return _Stop("idle")
        instruction = self._instruction(address)
        self.engine.truncate(address, include=False)
        return self._report(Fault.undefined(instruction, self._instruction_set))

    def _instruction(self, address: int) -> Instruction:
        return decode(self.guest.read_code(address, 4), address, self.guest.it_state())

    def _access_address(self, instruction: Instruction) -> int | None:
        memory = instruction.memory
        if memory is None:
            return None
        address = (
            memory.offset if memory.base == PC else self.guest.register(memory.base) + memory.offset
        )
        if memory.index is not None:
            address += self.guest.register(memory.index) << memory.shift
        return address & 0xFFFFFFFF

    def _first_bad(self, instruction: Instruction, target: int | None) -> int | None:
        """Return where an access first leaves the memories that take it."""
        memory = instruction.memory
        if target is None or memory is None:
            return target
        for address in range(target, target + memory.count * memory.size_bytes):
            region = self.guest.memory.region_at(address)
            if region is None or not (memory.is_load or region.memory.writable):
                return address
        return target

    def _serve_peripheral(self, instruction: Instruction, target: int) -> _Stop | None:
        """Carry out a load or store of the private peripheral bus."""
        memory, guest = instruction.memory, self.guest
        assert memory is not None
        it_state = guest.it_state()
        self.engine.truncate(instruction.address, include=True)
        if memory.is_load:
            registers = [
                r for r in instruction.writes if r != memory.base or memory.writeback is None
            ]
            for position, register in enumerate(registers[: memory.count]):
                value = self._peripherals.read(target + 4 * position, memory.size_bytes)
                if memory.is_signed and value >> 8 * memory.size_bytes - 1:
                    value -= 1 << 8 * memory.size_bytes
                guest.set_register(register, value)
        else:
            try:
                for position, register in enumerate(instruction.stored):
                    value = guest.register(register)
                    self._peripherals.write(target + 4 * position, memory.size_bytes, value)
            except ResetRequest:
                return _Stop("exit", None)
        if memory.writeback is not None:
            guest.set_register(memory.base, guest.register(memory.base) + memory.writeback)
        if self.engine.fpu_enabled != self._peripherals.fpu_enabled:
            self.engine.fpu_enabled = self._peripherals.fpu_enabled
            self.engine.forget_code(
                0, 1 << 32
            )  # what was checked with the FPU on is not with it off
        guest.set_it_state(_after(it_state))
        guest.set_register(PC, instruction.end | 1)
        return None

    # Faults.

    def _report(self, fault: Fault) -> _Stop:
        names = [self._functions.name(i) for i in self.engine.call_stack()]
        registers = self.guest.registers()
        registers["pc"] = fault.address
        self._fault = FaultReport(
            kind=fault.kind,
            message=fault.message,
            address=fault.address,
            function=self.image.function_name(fault.address),
            source=self.image.source_line(fault.address),
            registers=registers,
            last_calls=_fold_calls(names),
        )
        return _Stop("fault")

    def _raise(self, stop: _Stop, where: str) -> None:
        if stop.reason == "fault" and self._fault is not None:
            fault = self._fault
            place = fault.source or fault.function or "unknown code"
            raise SimulationFault(
                f"{fault.kind} at 0x{fault.address:08x} ({place}) {where}: {fault.message}"
            )
        reasons = {
            "exit": f"the program exited with code {stop.code}",
            "instruction_limit": "the instruction limit was reached",
            "time_limit": "the time limit was reached",
            "idle": "the program waits for an interrupt that nothing will raise",
            "returned": "the program returned",
        }
        raise SimulationFault(f"{reasons[stop.reason]} {where}")


def simulate(
    image: str | Path,
    *,
    profile: str | Profile,
    max_instructions: int | None = None,
    timeout_s: float | None = None,
    output: Callable[[bytes], None] | None = None,
) -> RunResult:
    """Run an image from reset to its end on a board and return what it cost."""
    machine = Machine(image, profile, output=output)
    return machine.run(max_instructions=max_instructions, timeout_s=timeout_s)


def _model_error(accuracy: AccuracyStatement) -> ModelError | None:
    error = accuracy.error
    if error is None:
        return None
    return ModelError(
        figures=error.figures.integer,
        mean_percent=float(error.mean_percent.value),
        worst_percent=float(error.worst_percent.value),
        bias_percent=float(error.bias_percent.value),
        suites=error.suites,
        reports=error.reports,
    )


def _place(place: str | int) -> str:
    return place if isinstance(place, str) else f"0x{place:08x}"


def _after(it_state: int) -> int:
    return 0 if it_state & 7 == 0 else (it_state & 0xE0) | (it_state << 1) & 0x1F


def _fold_calls(names: list[str]) -> tuple[str, ...]:
    """Return a call path with recursion folded, its middle left out where it is still long."""
    folded: list[tuple[str, int]] = []
    for name in names:
        if folded and folded[-1][0] == name:
            folded[-1] = (name, folded[-1][1] + 1)
        else:
            folded.append((name, 1))
    path = [name if count == 1 else f"{name} x{count}" for name, count in folded]
    return tuple(path if len(path) <= 16 else [*path[:6], "...", *path[-9:]])


def _breakpoint(address: int, number: int) -> Fault:
    return Fault(
        "breakpoint",
        f"BKPT {number} with no debugger attached; the simulator serves BKPT 0xAB (semihosting)",
        address,
    )


def _version() -> str:
    try:
        return version("thumbclock")
    except PackageNotFoundError:
        return "0+unknown"
