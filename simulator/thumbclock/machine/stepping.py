"""The reference engine: every instruction through the pipeline model, with what it really did.

It shares the pipeline model and the predictor with the memoised engine, and nothing else: addresses
and operands come from the registers in front of each instruction, predication from which
instructions the emulator ran. It is some hundred times slower.

Memory hooks would give the addresses too, but Unicorn 2.1.4 restores ITSTATE when it calls one, and
does not clear it again: behind an access in an IT block the code that follows is predicated.
"""

from typing import Any

import numpy as np
import unicorn

from thumbclock.cores import Access, Edge
from thumbclock.isa import Branch, Instruction, Kind, advance_it_state, decode
from thumbclock.isa.instruction import PC, SP, Register
from thumbclock.machine import predictor
from thumbclock.machine.account import Account
from thumbclock.machine.bounds import Bounds
from thumbclock.machine.checks import Fault, Functions, check
from thumbclock.machine.guest import Guest
from thumbclock.machine.predictor import BRANCH_CODES, PREDICTOR_WORDS
from thumbclock.memory import Timing, caches

__all__ = ["SteppedEngine"]

_ZERO = np.uint64(0)


class SteppedEngine:
    """Runs a guest instruction by instruction."""

    def __init__(self, guest: Guest, timing: Timing, functions: Functions) -> None:
        self.guest = guest
        self.timing = timing
        self.functions = functions
        self.fault: Fault | None = None
        self.fpu_enabled = False
        self.deadline: float | None = None
        self.bounds: Bounds | None = None
        self._cycles = 0
        self._instructions = 0
        self._account = Account()
        self._state = timing.initial_state()
        self._predictor = np.zeros(PREDICTOR_WORDS, np.uint64)
        predictor.initialise(self._predictor, timing.pipeline.predictor)
        self._caches = np.zeros(caches.CACHE_WORDS, np.uint64)
        memory, ahead = timing.memory, timing.pipeline.fetch_ahead_words
        caches.initialise(self._caches, memory.caches, memory.routes, ahead)
        self._frames: list[tuple[int, int, int]] = []  # return address, cycles at entry, function
        self._stack_lowest = (1 << 32) - 1
        self._stack_limit = 0
        self._limit = 0
        self._running: Instruction | None = None
        self._branch: Instruction | None = None
        self._address = 0
        self._quotient_bits = 0
        self._expected: int | None = None
        self._it_state = 0
        self._error: BaseException | None = None
        guest.uc.hook_add(unicorn.UC_HOOK_CODE, self._on_code)

    @property
    def cycles(self) -> int:
        """Cycles so far."""
        return self._cycles

    @property
    def instructions(self) -> int:
        """Instructions so far."""
        return self._instructions

    @property
    def stack_lowest(self) -> int:
        """Lowest stack pointer so far."""
        return self._stack_lowest

    def begin(self, address: int, stack_limit: int) -> None:
        """Start at a function with an idle pipeline."""
        self._state = self.timing.initial_state()
        self._running = self._branch = self._expected = None
        self._stack_lowest = self.guest.register(13)
        self._stack_limit = stack_limit
        self._push((1 << 32) - 1, self.functions.index(address))

    def resume(self, address: int, until: int, instruction_limit: int) -> None:
        """Run until something stops it."""
        self._limit = instruction_limit
        self._it_state = self.guest.it_state()
        # Within an IT block the first instruction may be one that the emulator passes over.
        self._expected = address if self._it_state else None
        try:
            self.guest.uc.emu_start(address | 1, until)
        finally:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
        if self._running is not None and self.fault is None:
            self._complete()

    def truncate(self, address: int, *, include: bool) -> None:
        """Count up to an instruction, or up to and with it; the rest is counted already."""
        if self._running is not None and self._running.address == address and include:
            self._complete()
            self._state = self.timing.separate(self._state)
        self._running = None

    def forget_code(self, address: int, size_bytes: int) -> None:
        """Nothing is remembered here."""

    def finish(self) -> None:
        """Close the open calls."""
        while self._frames:
            self._pop()

    def call_stack(self) -> list[int]:
        """Return the indices of the functions that are open, outermost first."""
        return [function for _, _, function in self._frames]

    def account(self) -> Account:
        """Return the sums so far."""
        self._account.misses = self.timing.memory.miss_counts(self._caches)
        return self._account

    # Hooks.

    def _on_code(self, _uc: Any, address: int, _size_bytes: int, _data: object) -> None:
        try:
            self._step(address)
        except BaseException as error:
            self._error = error
            self.guest.uc.emu_stop()

    def _step(self, address: int) -> None:
        """An instruction is about to run: complete the one before it."""
        if self.fault is not None or self.guest.has_failed_store:
            return
        if self._running is not None:
            self._complete()
        if not self.guest.is_thumb():
            self.fault = Fault.arm_state(address)
            self.guest.uc.emu_stop()
            return
        if self._instructions >= self._limit:
            self.guest.uc.emu_stop()
            return
        self._skip_to(address)
        branch, self._branch = self._branch, None
        if branch is not None:
            self._follow(branch, address)
        code = self.guest.read_code(address, 4)
        instruction = decode(code, address, self._it_state)
        self._running, self._address = instruction, self._access_address(instruction)
        self._note_stack()
        if instruction.kind is Kind.DIVIDE:
            self._quotient_bits = self._divide_bits(instruction)
        self.fault = self.fault or self._check(instruction, self._access())
        if self.fault is None and self.bounds is not None:
            self.fault = self.bounds.violation(instruction, self._address)
        if self.fault is not None:
            self.guest.uc.emu_stop()

    def _skip_to(self, address: int) -> None:
        """Price the instructions of an IT block that the emulator passed over."""
        expected = self._expected
        while expected is not None and expected != address and self._it_state:
            code = self.guest.read_code(expected, 4)
            skipped = decode(code, expected, self._it_state)
            self.fault = self._check(skipped, Access(executed=False))
            if self.fault is not None:
                break
            self._issue(skipped, Access(executed=False))
            self._it_state = advance_it_state(self._it_state)
            expected = skipped.end
            self._branch = skipped if skipped.branch is not None else None
        self._expected = expected

    def _check(self, instruction: Instruction, access: Access) -> Fault | None:
        instruction_set = self.timing.pipeline.instruction_set
        return check(instruction, access, instruction_set, fpu_enabled=self.fpu_enabled)

    def _access_address(self, instruction: Instruction) -> int:
        """Return the address that an instruction is about to access, 0 where it accesses none."""
        memory = instruction.memory
        if memory is None:
            return 0
        address = memory.offset
        if memory.base != PC:
            base = self.guest.register(memory.base)
            # The two lowest bits of the stack pointer are always zero on silicon.
            address += base & ~3 if memory.base == SP else base
        if memory.index is not None:
            address += self.guest.register(memory.index) << memory.shift
        return address & 0xFFFFFFFF

    def _access(self) -> Access:
        address = self._address
        return self.timing.access(
            self.timing.memory.wait_class_at(address),
            address & 7,
            executed=True,
            bits=self._quotient_bits,
        )

    def _complete(self) -> None:
        running = self._running
        assert running is not None
        self._issue(running, self._access())
        self._running, self._quotient_bits = None, 0
        self._it_state = running.it_mask or advance_it_state(self._it_state)
        self._expected = running.end
        if running.branch is not None:
            self._branch = running
        self._note_stack()

    def _issue(self, instruction: Instruction, access: Access) -> None:
        if self.timing.has_caches:
            self._fetch(instruction)
        issue = self.timing.issue(self._state, instruction, access)
        self._state = issue.state
        self._cycles += issue.cycles
        self._instructions += 1
        account = self._account
        account.cycles[instruction.address] += issue.cycles
        if self.timing.has_caches and access.executed:
            self._read_or_write(instruction)
        account.counts[instruction.address] += 1
        account.mix[instruction.kind] += 1
        for reason, cycles in issue.stalls:
            account.stalls[reason] += cycles

    def _fetch(self, instruction: Instruction) -> None:
        """Let the caches see the fetch of an instruction."""
        for route, address in self.timing.fetch_touches(instruction):
            numbers = (np.uint64(number) for number in (route, address, self._cycles))
            stall = int(caches.fetch(self._caches, _ZERO, *numbers))
            self._wait(instruction, "fetch_miss", stall)

    def _read_or_write(self, instruction: Instruction) -> None:
        """Let the caches see the load or store of an instruction."""
        memory, address = instruction.memory, self._address
        if memory is None or instruction.kind is Kind.PRELOAD:
            return
        route = self.timing.memory.route_at(address)
        if not route:
            return
        stall = caches.read_or_write(
            self._caches,
            _ZERO,
            np.uint64(route),
            np.uint64(address),
            np.uint64(memory.total_bytes),
            not memory.is_load,
            np.uint64(self._cycles),
        )
        self._wait(instruction, "data_miss", int(stall))

    def _wait(self, instruction: Instruction, reason: str, stall: int) -> None:
        if stall:
            self._cycles += stall
            self._account.cycles[instruction.address] += stall
            self._account.stalls[reason] += stall

    def _follow(self, branch: Instruction, address: int) -> None:
        """A branch has reached ``address``."""
        taken = address != branch.end
        wrong = predictor.predict(
            self._predictor,
            _ZERO,
            np.uint64(BRANCH_CODES[branch.branch]),
            np.uint64(branch.end),
            np.uint64(address),
        )
        self._state = self.timing.redirect(self._state, Edge(2 * taken + int(wrong)))
        if taken:
            self._it_state = 0
        self._follow_call(branch, address)

    def _follow_call(self, branch: Instruction, address: int) -> None:
        kind, function = branch.branch, self.functions.index(address)
        if kind in (Branch.CALL, Branch.INDIRECT_CALL):
            self._push(branch.end, function)
            return
        if kind in (Branch.INDIRECT, Branch.RETURN):
            depths = [i for i, frame in enumerate(self._frames) if frame[0] == address]
            if depths:
                first = depths[-1]
                while first and self._frames[first - 1][0] == address:
                    first -= 1
                while len(self._frames) > first:
                    self._pop()
                return
        if kind is Branch.CONDITIONAL:
            return
        starts = self.functions.starts(address)
        if starts and self._frames and function != self.functions.index(branch.address):
            self._push(self._frames[-1][0], function)  # a tail call

    def _push(self, return_address: int, function: int) -> None:
        self._frames.append((return_address, self._cycles, function))
        self._account.calls[function] += 1

    def _pop(self) -> None:
        _, start, function = self._frames.pop()
        if all(frame[2] != function for frame in self._frames):
            first = start
            self._account.inclusive[function] += self._cycles - first

    def _note_stack(self) -> None:
        pointer = self.guest.register(13)
        self._stack_lowest = min(self._stack_lowest, pointer)
        if pointer < self._stack_limit and self.fault is None:
            self.fault = Fault.stack(self.guest.register(15), self._stack_limit)
            self.guest.uc.emu_stop()

    def _divide_bits(self, instruction: Instruction) -> int:
        numbers = [o.number for o in instruction.operands[-2:] if isinstance(o, Register)]
        dividend, divisor = (self.guest.register(n) for n in numbers)
        if instruction.mnemonic == "sdiv":
            dividend, divisor = (abs(_signed(v)) for v in (dividend, divisor))
        if not divisor or dividend.bit_length() < divisor.bit_length():
            return 0
        return dividend.bit_length() - divisor.bit_length() + 1


def _signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value
