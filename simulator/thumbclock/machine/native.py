"""The native half of the memoised engine: Unicorn's block hook, compiled by numba.

At every translation block the hook completes the edge that led there, evaluates the block's recipe,
and looks up (pipeline state, unit, inputs) in a table of transitions. On a miss it calls Python,
which runs the pipeline model and fills the table in. All tables lie in one array of 64-bit words,
the *arena*, whose address is the hook's user data.

Glossary: a *unit* is a stretch of code that is priced as a whole, a translation block or part of
one; an *entry* is one priced transition (state, unit, inputs) -> (state by edge, cycles, count).
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from thumbclock.machine import predictor
from thumbclock.machine.predictor import PREDICTOR_WORDS, predict, predict_direction
from thumbclock.memory import caches
from thumbclock.memory.caches import (
    CACHE_WORDS,
    enter_line,
    fetch,
    generation,
    held_line,
    hits_line,
    read_or_write,
    steady_line,
)

__all__ = [
    "ARENA_WORDS",
    "CACHES",
    "CALLS",
    "CALL_DEPTH",
    "CALL_WORDS",
    "ENTRIES",
    "ENTERS_QUICKLY",
    "ENTRY_ABOUT",
    "ENTRY_COST",
    "ENTRY_COUNT",
    "ENTRY_GUARDS",
    "ENTRY_HASH",
    "ENTRY_HASH_SLOTS",
    "ENTRY_INPUTS",
    "ENTRY_KEY",
    "ENTRY_KIND",
    "ENTRY_NEXT",
    "ENTRY_PROGRAM",
    "ENTRY_STATES",
    "ENTRY_UNIT",
    "ENTRY_WORDS",
    "FUNCTIONS",
    "FUNCTION_WORDS",
    "MAX_ENTRIES",
    "MAX_FUNCTIONS",
    "MAX_GUARDS",
    "MAX_OPS",
    "MAX_TOUCH_WORDS",
    "MAX_UNITS",
    "HAS_RECIPE",
    "IS_CONDITIONAL",
    "GUARD_SHIFT",
    "IS_BRANCH",
    "LEAVES_QUICKLY",
    "MAY_LOOP",
    "MISS_EDGE",
    "NO_EDGE",
    "MISS_ENTRY",
    "MISS_UNIT",
    "OPS",
    "PAGE_CLASSES",
    "PREDICTOR",
    "REGIONS",
    "SOURCE_DIGEST",
    "STALLS",
    "TOUCHES",
    "TOUCH_FETCH",
    "TOUCH_HEADER",
    "TOUCH_REGISTER",
    "TOUCH_ROUTE_SHIFT",
    "TOUCH_SHIFT",
    "TOUCH_SLOT",
    "TOUCH_STORE",
    "TOUCH_WORDS",
    "UNITS",
    "UNIT_CHECKS_STACK",
    "UNIT_HASH",
    "UNIT_HASH_SLOTS",
    "UNIT_MOVES_STACK",
    "UNIT_STARTS_FUNCTION",
    "UNIT_WORDS",
    "H",
    "StopReason",
    "block_hook",
    "hash_entry",
    "hash_unit",
    "probe_hook",
    "source_digest",
]

_U = np.uint64


class H:
    """Words of the arena's header."""

    ENTRY = 0  # place of the entry of the unit that runs
    EDGE = 1  # the edge by which the running unit was left, where it is already followed
    CYCLES = 2
    INSTRUCTIONS = 3
    LIMIT = 4  # stop when this many instructions ran
    STOP = 5  # why the hook stopped the emulation, 0 while it runs
    MISS = 6  # address of the Python function that fills in what is missing
    STOP_FUNCTION = 7  # address of uc_emu_stop
    READ_FUNCTION = 8  # address of uc_reg_read
    REGISTERS = 9  # address of the guest's r0 to r15, 0 where it is not known
    ARGUMENT = 10  # 10 to 13: what a miss is about
    RESULT = 14
    STACK_LOWEST = 15
    STACK_LIMIT = 16
    CALL_TOP = 17
    READ_BUFFER = 18
    LOST = 19  # blocks that ran although a stop had been asked for
    REGION_COUNT = 20
    ARENA = 21  # address of the arena itself
    FLAGS_REGISTER = 22
    QUICK_LIMIT = 23  # LIMIT, or 0 while a stop was asked for or an edge is complete
    REGISTER_IDS = 24  # 24 to 39: Unicorn's numbers of r0 to r15
    STALLED = 40  # how many of the running unit's touches made it wait


class StopReason:
    """Why the hook stopped the emulation."""

    LIMIT = 1
    MISS = 2
    STACK = 3


MISS_EDGE, MISS_UNIT, MISS_ENTRY = 1, 2, 3

NO_EDGE = 0
"""In ``H.EDGE``: the next block completes the edge; else it holds the edge's number plus one."""

UNIT_WORDS, ENTRY_WORDS, CALL_WORDS, FUNCTION_WORDS = 8, 32, 4, 4
# Words of an entry. The first eight, all that most units take, share a line of the host's cache.
ENTRY_KEY = 0  # address | size << 32 of its unit
ENTRY_KIND = 1
ENTRY_LINKS = 2  # places of the entries that followed, by edge, for the short path
ENTRY_COST = 4  # cycles | instructions << 32
ENTRY_COUNT = 5
# A guard holds while a register stays as it was found: its offset in the register file | mask << 8
# | low bits of register + addend under the mask << 16 | addend << 32; then what to add to get its
# distance from the start of a memory | bytes of that memory << 32.
ENTRY_GUARDS = 6
ENTRY_UNIT = 22  # unit | state << 32
ENTRY_INPUTS = 23
ENTRY_ABOUT, ENTRY_PROGRAM = 24, 25  # words 1 and 2 of the unit
ENTRY_STATES = 26  # next states, by edge (two words)
ENTRY_FOLLOWERS = 28  # places of all entries that followed, by edge (two words)
ENTRY_NEXT = 30  # place of the next entry of the same unit and state, in a ring
MAX_GUARDS = 8
# Bits of an entry's kind; bits 7 to 10 hold how many guards it has, 11 to 31 where its touches
# begin in their table, 0 for none, and bits 32 and up the predictor's hash of the branch.
LEAVES_QUICKLY, IS_CONDITIONAL, ENTERS_QUICKLY, HAS_RECIPE, IS_BRANCH, MAY_LOOP = 1, 2, 4, 8, 16, 32
GUARD_SHIFT, TOUCH_SHIFT = 7, 11
# Touches of an entry: how many they are; route and address of the last line fetched from, 0 for
# none; the generation, plus one, in which all fetches hit; how many touches are loads or stores;
# the last line as a steady cache knows it. Then each touch: source | register or slot << 8 | size
# << 16 | what to add << 32, or for a fetch source | address << 32; cycles from the unit's start;
# sum of its stalls; the line that a load or store hit last.
TOUCH_HEADER = 5
TOUCH_WORDS = 4
# Bits of a source; the four above them are the route.
TOUCH_REGISTER, TOUCH_SLOT, TOUCH_STORE, TOUCH_FETCH, TOUCH_ROUTE_SHIFT = 1, 2, 4, 8, 4
MAX_UNITS, MAX_ENTRIES, MAX_OPS = 1 << 15, 1 << 17, 1 << 18
MAX_TOUCH_WORDS, MAX_STALLS = 1 << 21, 1 << 12
CALL_DEPTH, MAX_FUNCTIONS, MAX_REGIONS = 4096, 1 << 14, 32
_UNIT_HASH_BITS, _ENTRY_HASH_BITS = 17, 19
UNIT_HASH_SLOTS, ENTRY_HASH_SLOTS = 1 << _UNIT_HASH_BITS, 1 << _ENTRY_HASH_BITS

_HEADER = 64
PREDICTOR = _HEADER
CACHES = PREDICTOR + PREDICTOR_WORDS
SLOTS = CACHES + CACHE_WORDS
STORES = SLOTS + 256
REGIONS = STORES + 128  # base, size, host address
CALLS = REGIONS + 4 * MAX_REGIONS  # return address, cycles at entry, function
FUNCTIONS = CALLS + CALL_WORDS * (CALL_DEPTH + 1)  # calls, inclusive cycles, active frames
PAGE_CLASSES = FUNCTIONS + FUNCTION_WORDS * MAX_FUNCTIONS  # one byte per 4 KiB page
STALLS = PAGE_CLASSES + (1 << 20) // 8  # of the running unit: number of the touch, cycles
TOUCHES = STALLS + 2 * MAX_STALLS
OPS = TOUCHES + MAX_TOUCH_WORDS
# Unit: address | size << 32; end | branch code << 32 | flags << 40; program start | length << 32;
# split address; unit behind the split; stack drop; function; spare.
UNITS = OPS + MAX_OPS
ENTRIES = -(-(UNITS + UNIT_WORDS * MAX_UNITS) // 8) * 8  # each starts a line of 64 bytes
UNIT_HASH = ENTRIES + ENTRY_WORDS * MAX_ENTRIES
ENTRY_HASH = UNIT_HASH + (1 << _UNIT_HASH_BITS)
ARENA_WORDS = ENTRY_HASH + (1 << _ENTRY_HASH_BITS)

UNIT_CHECKS_STACK, UNIT_MOVES_STACK, UNIT_STARTS_FUNCTION = 1, 2, 4

# Constants for the compiled code, where an untyped integer would turn arithmetic to floats.
_0, _1, _2, _3, _4, _5, _6, _7 = (_U(i) for i in range(8))
_8, _12, _15, _16, _24, _31, _32, _40 = (_U(i) for i in (8, 12, 15, 16, 24, 31, 32, 40))
_NO_EDGE = _U(NO_EDGE)
_LEAVES_QUICKLY, _IS_CONDITIONAL = _U(LEAVES_QUICKLY), _U(IS_CONDITIONAL)
_ENTERS_QUICKLY, _HAS_RECIPE, _IS_BRANCH = _U(ENTERS_QUICKLY), _U(HAS_RECIPE), _U(IS_BRANCH)
_MAY_LOOP, _GUARD_SHIFT, _GUARD_MASK = _U(MAY_LOOP), _U(GUARD_SHIFT), _U(15)
_KEY, _KIND, _LINKS, _COST = _U(ENTRY_KEY), _U(ENTRY_KIND), _U(ENTRY_LINKS), _U(ENTRY_COST)
_COUNT, _GUARDS, _UNIT, _INPUTS = (
    _U(i) for i in (ENTRY_COUNT, ENTRY_GUARDS, ENTRY_UNIT, ENTRY_INPUTS)
)
_ABOUT, _PROGRAM, _STATES = _U(ENTRY_ABOUT), _U(ENTRY_PROGRAM), _U(ENTRY_STATES)
_FOLLOWERS, _NEXT, _MAX_STEPS = _U(ENTRY_FOLLOWERS), _U(ENTRY_NEXT), _U(4)
_14, _REGISTER_OFFSET = _U(14), _U(0x3C)
_LOW = _U(0xFFFFFFFF)
_BYTE = _U(0xFF)
_SIGN = _U(0x80000000)
_MIX = _U(0x9E3779B97F4A7C15)
_UNIT_SHIFT, _ENTRY_SHIFT = _U(64 - _UNIT_HASH_BITS), _U(64 - _ENTRY_HASH_BITS)
_UNIT_SLOTS, _ENTRY_SLOTS = _U((1 << _UNIT_HASH_BITS) - 1), _U((1 << _ENTRY_HASH_BITS) - 1)
_PREDICTOR, _SLOTS, _STORES, _REGIONS = _U(PREDICTOR), _U(SLOTS), _U(STORES), _U(REGIONS)
_CALLS, _FUNCTIONS, _OPS = _U(CALLS), _U(FUNCTIONS), _U(OPS)
_UNITS, _ENTRIES, _UNIT_HASH, _ENTRY_HASH = _U(UNITS), _U(ENTRIES), _U(UNIT_HASH), _U(ENTRY_HASH)
_CLASS_BYTES = _U(PAGE_CLASSES * 8)
_ROUTE_SHIFT = _U(TOUCH_ROUTE_SHIFT)
_CACHES, _TOUCHES, _STALLED, _STALLS = _U(CACHES), _U(TOUCHES), _U(H.STALLED), _U(STALLS)
_TOUCH_SHIFT, _TOUCH_MASK = _U(TOUCH_SHIFT), _U((1 << 32 - TOUCH_SHIFT) - 1)
_FROM_REGISTER, _FROM_SLOT = _U(TOUCH_REGISTER), _U(TOUCH_SLOT)
_IS_STORE, _IS_FETCH = _U(TOUCH_STORE), _U(TOUCH_FETCH)
_CALL_DEPTH = _U(CALL_DEPTH)
_ENTRY, _EDGE, _CYCLES, _INSTRUCTIONS = _U(H.ENTRY), _U(H.EDGE), _U(H.CYCLES), _U(H.INSTRUCTIONS)
_LIMIT, _STOP, _MISS, _STOP_FUNCTION = _U(H.LIMIT), _U(H.STOP), _U(H.MISS), _U(H.STOP_FUNCTION)
_READ_FUNCTION, _REGISTERS, _ARGUMENT = _U(H.READ_FUNCTION), _U(H.REGISTERS), _U(H.ARGUMENT)
_RESULT, _STACK_LOWEST, _STACK_LIMIT = _U(H.RESULT), _U(H.STACK_LOWEST), _U(H.STACK_LIMIT)
_CALL_TOP, _READ_BUFFER, _LOST = _U(H.CALL_TOP), _U(H.READ_BUFFER), _U(H.LOST)
_REGION_COUNT, _ARENA, _FLAGS_REGISTER = _U(H.REGION_COUNT), _U(H.ARENA), _U(H.FLAGS_REGISTER)
_REGISTER_IDS, _QUICK_LIMIT = _U(H.REGISTER_IDS), _U(H.QUICK_LIMIT)
_STOP_LIMIT, _STOP_MISS = _U(StopReason.LIMIT), _U(StopReason.MISS)
_STOP_STACK = _U(StopReason.STACK)
_ASK_EDGE, _ASK_UNIT, _ASK_ENTRY = _U(MISS_EDGE), _U(MISS_UNIT), _U(MISS_ENTRY)
_CHECKS_STACK = _U(UNIT_CHECKS_STACK)
_MOVES_STACK = _U(UNIT_MOVES_STACK)
_STARTS_FUNCTION = _U(UNIT_STARTS_FUNCTION)
_CALL, _INDIRECT_CALL, _RETURN, _DIRECT, _INDIRECT = _U(3), _U(5), _U(6), _U(2), _U(4)
# The operations of recipes, in the order of recipes.Op.
_R, _C, _ADD, _ADDI, _SUB, _AND, _OR, _XOR, _MUL = (_U(i) for i in range(9))
_LSL, _LSR, _ASR, _ROR, _SEXT, _SDIV, _UDIV, _LOAD, _STORE = (_U(i) for i in range(9, 18))
_CMP, _CMN, _LOGIC, _FLAGS, _SELECT, _ROOTR, _ROOT, _QUOT, _EXEC = (_U(i) for i in range(18, 27))


def _reader(bits: int) -> Any:
    @intrinsic
    def read(typing_context: Any, address: Any) -> Any:
        signature = types.uint64(types.uint64)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            return builder.zext(builder.load(pointer, align=1), ir.IntType(64))

        return signature, generate

    return read


_read8, _read32 = _reader(8), _reader(32)


@intrinsic
def _call1(typing_context: Any, function: Any, argument: Any) -> Any:
    """Call ``uint64 function(uint64)`` at an address."""
    signature = types.uint64(types.uint64, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        pointer = builder.inttoptr(arguments[0], ir.FunctionType(word, [word]).as_pointer())
        return builder.call(pointer, [arguments[1]])

    return signature, generate


@intrinsic
def _call3(typing_context: Any, function: Any, first: Any, second: Any, third: Any) -> Any:
    """Call ``int function(void *, int, void *)`` at an address: uc_reg_read."""
    signature = types.uint64(types.uint64, types.uint64, types.uint64, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, integer = ir.IntType(64), ir.IntType(32)
        kind = ir.FunctionType(integer, [word, integer, word])
        pointer = builder.inttoptr(arguments[0], kind.as_pointer())
        register = builder.trunc(arguments[2], integer)
        return builder.zext(builder.call(pointer, [arguments[1], register, arguments[3]]), word)

    return signature, generate


def hash_unit(address: int, size_bytes: int) -> int:
    """Return the first slot of a unit in the unit hash."""
    key = (address | size_bytes << 32) * int(_MIX) & (1 << 64) - 1
    return key >> int(_UNIT_SHIFT)


def hash_entry(state: int, unit: int, inputs: int) -> int:
    """Return the first slot of an entry in the entry hash."""
    mask = (1 << 64) - 1
    key = ((unit | state << 32) * int(_MIX) & mask) ^ inputs
    return (key * int(_MIX) & mask) >> int(_ENTRY_SHIFT)


@numba.njit(inline="always")
def _register(a, uc, number):
    """Return a guest register: by its address where that is known, else by uc_reg_read."""
    base = a[_REGISTERS]
    if base != _0:
        return _read32(base + (number << _2))
    buffer = a[_ARENA] + (_READ_BUFFER << _3)
    _call3(a[_READ_FUNCTION], uc, a[_REGISTER_IDS + number], buffer)
    return a[_READ_BUFFER] & _LOW


@numba.njit(inline="always")
def _holds(condition, negative, zero, carry, overflow):
    """Evaluate an Arm condition code."""
    kind = condition >> _1
    if kind == _0:
        result = zero
    elif kind == _1:
        result = carry
    elif kind == _2:
        result = negative
    elif kind == _3:
        result = overflow
    elif kind == _4:
        result = carry & (zero ^ _1)
    elif kind == _5:
        result = (negative ^ overflow) ^ _1
    elif kind == _6:
        result = (zero ^ _1) & ((negative ^ overflow) ^ _1)
    else:
        return _1
    return result ^ (condition & _1)


@numba.njit(inline="always")
def _holds_after(condition, a, b, result, carry):
    """Evaluate a condition behind result = a + b (b inverted for a compare), with its carry out."""
    zero = _1 if result == _0 else _0
    overflow = ((a ^ result) & (b ^ result)) >> _31
    return _holds(condition, result >> _31, zero, carry, overflow & _1)


@numba.njit
def _guest_byte(a, address):
    for i in range(a[_REGION_COUNT]):
        place = _REGIONS + (_U(i) << _2)
        offset = (address - a[place]) & _LOW
        if offset < a[place + _1]:
            return _read8(a[place + _2] + offset)
    return _0


@numba.njit
def _guest_load(a, address, flags, stores):
    """Load from guest memory, seeing the stores that the recipe made."""
    size = flags & _U(0x7F)
    value = _0
    fast = stores == _0 and size == _4
    if fast:
        for i in range(a[_REGION_COUNT]):
            place = _REGIONS + (_U(i) << _2)
            offset = (address - a[place]) & _LOW
            if offset + _4 <= a[place + _1]:
                return _read32(a[place + _2] + offset)
    for i in range(size):
        at = (address + _U(i)) & _LOW
        byte = _guest_byte(a, at)
        for j in range(stores):
            place = _STORES + (_U(j) << _2)
            offset = (at - a[place]) & _LOW
            if offset < a[place + _2]:
                byte = (a[place + _1] >> (offset << _3)) & _BYTE
        value |= byte << (_U(i) << _3)
    if flags & _U(0x80) != _0:
        sign = _1 << ((size << _3) - _1)
        value = ((value ^ sign) - sign) & _LOW
    return value


@numba.njit
def _bit_length(value):
    bits = _0
    while value != _0:
        value >>= _1
        bits += _1
    return bits


@numba.njit
def _quotient_bits(dividend, divisor, signed):
    """Return the bits that a quotient may have, by the operands' lengths; 0 for none."""
    if signed and (dividend & _SIGN) != _0:
        dividend = (_0 - dividend) & _LOW
    if signed and (divisor & _SIGN) != _0:
        divisor = (_0 - divisor) & _LOW
    a, b = _bit_length(dividend), _bit_length(divisor)
    if b == _0 or a < b:
        return _0
    return a - b + _1


@numba.njit
def _divide(a, b, signed):
    if b == _0:
        return _0
    if not signed:
        return a // b
    negative = ((a ^ b) & _SIGN) != _0
    if a & _SIGN != _0:
        a = (_0 - a) & _LOW
    if b & _SIGN != _0:
        b = (_0 - b) & _LOW
    quotient = a // b
    return (_0 - quotient) & _LOW if negative else quotient


@numba.njit(inline="always")
def _shift(op, value, amount):
    if op == _ROR:
        amount &= _31
        return ((value >> amount) | (value << (_32 - amount))) & _LOW
    if op == _ASR:
        filled = value | (_LOW << _32) if value & _SIGN != _0 else value
        return (filled >> (amount if amount < _32 else _32)) & _LOW
    if amount > _31:
        return _0
    return (value << amount) & _LOW if op == _LSL else value >> amount


@numba.njit(inline="always")
def _root(a, value, wanted):
    """Return what the model may know of an address: low bits and wait class of its page."""
    top, skip = wanted & _7, (wanted >> _3) & _3
    low = (value & ((_1 << top) - _1)) >> skip
    page_class = _read8(a[_ARENA] + _CLASS_BYTES + (value >> _12)) & (_0 - (wanted >> _7))
    return low | (page_class << (top - skip))


@numba.njit(inline="always")
def _register_root(a, registers, word):
    """Carry out a ROOT_REGISTER operation and return its part of the inputs."""
    register = _read32(registers + ((word >> _14) & _REGISTER_OFFSET))
    value = (register + (word >> _32)) & _LOW
    return _root(a, value, (word >> _24) & _BYTE) << ((word >> _8) & _BYTE)


@numba.njit(inline="always")
def _condition(a, uc, op, condition, x, y):
    if op == _FLAGS:
        buffer = a[_ARENA] + (_READ_BUFFER << _3)
        _call3(a[_READ_FUNCTION], uc, a[_FLAGS_REGISTER], buffer)
        flags = (a[_READ_BUFFER] & _LOW) >> _U(28)
        return _holds(condition, flags >> _3, (flags >> _2) & _1, (flags >> _1) & _1, flags & _1)
    if op == _LOGIC:
        return _holds(condition, x >> _31, _1 if x == _0 else _0, _0, _0)
    if op == _CMP:
        y ^= _LOW
        total = x + y + _1
    else:
        total = x + y
    return _holds_after(condition, x, y, total & _LOW, total >> _32)


@numba.njit(inline="always")
def _compute(a, uc, op, imm, x, y):
    """Evaluate one value operation of a recipe."""
    if op == _R:
        return _register(a, uc, imm)
    if op == _C:
        return imm
    if op == _ADD:
        return (x + y) & _LOW
    if op == _ADDI:
        return (x + imm) & _LOW
    if op == _SUB:
        return (x - y) & _LOW
    if op == _AND:
        return x & y
    if op == _OR:
        return x | y
    if op == _XOR:
        return x ^ y
    if op == _MUL:
        return (x * y) & _LOW
    if op <= _ROR:
        return _shift(op, x, y)
    if op == _SEXT:
        sign = _1 << (imm - _1)
        return (((x & ((sign << _1) - _1)) ^ sign) - sign) & _LOW
    if op <= _UDIV:
        return _divide(x, y, op == _SDIV)
    if op == _SELECT:
        return y if x != _0 else a[_SLOTS + imm]
    return _condition(a, uc, op, imm, x, y)


@numba.njit
def _evaluate(a, uc, start, length):
    """Run a recipe and return the inputs word."""
    inputs = _0
    stores = _0
    for i in range(length):
        word = a[_OPS + start + _U(i)]
        op = word & _BYTE
        dst = (word >> _8) & _BYTE
        first = (word >> _16) & _BYTE
        second = (word >> _24) & _BYTE
        imm = word >> _32
        if op == _ROOTR:
            inputs |= _root(a, (_register(a, uc, first) + imm) & _LOW, second) << dst
            continue
        x = a[_SLOTS + first]
        y = a[_SLOTS + second]
        if op == _ROOT:
            inputs |= _root(a, (x + imm) & _LOW, second) << dst
        elif op == _QUOT:
            inputs |= _quotient_bits(x, y, imm != _0) << dst
        elif op == _EXEC:
            inputs |= x << dst
        elif op == _LOAD:
            a[_SLOTS + dst] = _guest_load(a, x, second, stores)
        elif op == _STORE:
            place = _STORES + (stores << _2)
            a[place] = x
            a[place + _1] = y
            a[place + _2] = dst
            stores += _1
        else:
            a[_SLOTS + dst] = _compute(a, uc, op, imm, x, y)
    return inputs


@numba.njit(inline="always")
def _inputs(a, uc, program):
    """Evaluate a recipe; the usual ones, of registers only, without a call."""
    inputs = _0
    place = _OPS + (program & _LOW)
    behind = place + (program >> _32)
    while place != behind:
        word = a[place]
        if word & _BYTE != _ROOTR or a[_REGISTERS] == _0:
            return _evaluate(a, uc, program & _LOW, program >> _32)
        inputs |= _register_root(a, a[_REGISTERS], word)
        place += _1
    return inputs


@numba.njit(inline="always")
def _guards_hold(a, entry):
    """Return whether registers are as an entry's guards want them: low bits and memory."""
    place = entry + _GUARDS
    behind = place + ((a[entry + _KIND] >> _GUARD_SHIFT & _GUARD_MASK) << _1)
    while place != behind:
        operand, within = a[place], a[place + _1]
        register = _read32(a[_REGISTERS] + (operand & _BYTE))
        low = (register + (operand >> _32)) & (operand >> _8) & _BYTE
        offset = (register + within) & _LOW
        if low != (operand >> _16) & _BYTE or offset >= within >> _32:
            return False
        place += _2
    return True


@numba.njit(inline="always")
def _match_guards(a, entry):
    """Return the entry for the registers as they are now, of the unit and state of one; 0 for none.

    The next ones in the ring are looked at, not all: there may be many.
    """
    for _ in range(_MAX_STEPS):
        if _guards_hold(a, entry):
            return entry
        entry = a[entry + _NEXT]
    return _0


@numba.njit(inline="always")
def _match_inputs(a, uc, entry):
    """Do what ``_match_guards`` does where the inputs take a recipe."""
    inputs = _inputs(a, uc, a[entry + _PROGRAM])
    for _ in range(_MAX_STEPS):
        if a[entry + _INPUTS] == inputs:
            return entry
        entry = a[entry + _NEXT]
    return _0


@numba.njit
def _ask(a, uc, what, first, second, third):
    """Call Python for something that is missing; return its answer, 0 to stop instead."""
    a[_ARGUMENT] = first
    a[_ARGUMENT + _1] = second
    a[_ARGUMENT + _2] = third
    if _call1(a[_MISS], what) != _0:
        return _0
    return a[_RESULT]


@numba.njit
def _find_unit(a, uc, address, size):
    key = address | (size << _32)
    slot = (key * _MIX) >> _UNIT_SHIFT
    while True:
        unit = a[_UNIT_HASH + slot]
        if unit == _0:
            return _ask(a, uc, _ASK_UNIT, address, size, _0)
        if a[_UNITS + (unit << _3)] == key:
            return unit
        slot = (slot + _1) & _UNIT_SLOTS


@numba.njit
def _find_entry(a, uc, state, unit, inputs):
    key = unit | (state << _32)
    slot = (((key * _MIX) ^ inputs) * _MIX) >> _ENTRY_SHIFT
    while True:
        entry = a[_ENTRY_HASH + slot]
        if entry == _0:
            return _ask(a, uc, _ASK_ENTRY, state, unit, inputs)
        if a[entry + _UNIT] == key and a[entry + _INPUTS] == inputs:
            return entry
        slot = (slot + _1) & _ENTRY_SLOTS


@numba.njit
def _find_follower(a, uc, entry, edge, address, size, split_unit):
    """Return the entry behind an edge by way of the tables, 0 where the run must stop."""
    state = (a[entry + _STATES + (edge >> _1)] >> ((edge & _1) << _5)) & _LOW
    if state == _0:
        state = _ask(a, uc, _ASK_EDGE, entry, edge, _0)
    unit = split_unit if split_unit != _0 else _find_unit(a, uc, address, size)
    if state == _0 or unit == _0:
        return _0
    return _find_entry(a, uc, state, unit, _inputs(a, uc, a[_UNITS + (unit << _3) + _2]))


@numba.njit
def _unit_of(a, entry):
    return _UNITS + ((a[entry + _UNIT] & _LOW) << _3)


@numba.njit
def _push(a, return_address, function):
    top = a[_CALL_TOP] + _1
    if top > _CALL_DEPTH:
        return
    a[_CALL_TOP] = top
    frame = _CALLS + (top << _2)
    a[frame] = return_address
    a[frame + _1] = a[_CYCLES]
    a[frame + _2] = function
    place = _FUNCTIONS + (function << _2)
    a[place] += _1
    a[place + _2] += _1


@numba.njit
def _pop(a):
    frame = _CALLS + (a[_CALL_TOP] << _2)
    place = _FUNCTIONS + (a[frame + _2] << _2)
    active = a[place + _2] - _1
    a[place + _2] = active
    if active == _0:
        a[place + _1] += a[_CYCLES] - a[frame + _1]
    a[_CALL_TOP] -= _1


@numba.njit
def _follow_call(a, code, end, address, entry, following):
    """Keep the shadow call stack across a transfer of control."""
    caller = a[_unit_of(a, entry) + _6]
    unit = _unit_of(a, following)
    function = a[unit + _6]
    if code == _CALL or code == _INDIRECT_CALL:
        _push(a, end, function)
        return
    if code >= _INDIRECT:
        depth = a[_CALL_TOP]
        while depth != _0:
            if a[_CALLS + (depth << _2)] == address:
                while a[_CALL_TOP] >= depth:
                    _pop(a)
                # A tail call left a second frame with the same return address below.
                while a[_CALL_TOP] != _0 and a[_CALLS + (a[_CALL_TOP] << _2)] == address:
                    _pop(a)
                return
            depth -= _1
    flags = a[unit + _1] >> _40
    if flags & _STARTS_FUNCTION != _0 and a[_CALL_TOP] != _0 and function != caller:
        _push(a, a[_CALLS + (a[_CALL_TOP] << _2)], function)  # a tail call


@numba.njit
def _stop(a, uc, why):
    a[_STOP] = why
    a[_QUICK_LIMIT] = _0
    _call1(a[_STOP_FUNCTION], uc)


@numba.njit
def _lower_stack(a, uc, drop):
    """Note how deep the stack goes; return whether it went too deep."""
    lowest = _register(a, uc, _U(13)) - drop
    if lowest < a[_STACK_LOWEST]:
        a[_STACK_LOWEST] = lowest
    return lowest < a[_STACK_LIMIT]


@numba.njit
def _goes_too_deep(a, uc, flags_before, found):
    """Note the stack pointer where it moved; return whether it is below its limit."""
    if flags_before & _MOVES_STACK != _0 and _lower_stack(a, uc, _0):
        return True
    if (a[found + _ABOUT] >> _40) & _CHECKS_STACK == _0:
        return False
    return _lower_stack(a, uc, a[_unit_of(a, found) + _5])


@numba.njit(inline="always")
def _note_stall(a, place, number, stall):
    """Add what a touch made the unit wait to the time, and to the touch."""
    a[_CYCLES] += stall
    a[place + _2] += stall
    record = _STALLS + (a[_STALLED] << _1)
    a[record] = _U(number)
    a[record + _1] = stall
    a[_STALLED] += _1


@numba.njit
def _remember_hits(a, head):
    """Note that all fetches of a unit hit, where that lasts until a line comes in."""
    fetched = a[head + _1]
    if fetched != _0:
        line = steady_line(a, _CACHES, fetched & _15, fetched >> _32)
        if line != _0:
            a[head + _4] = line
            a[head + _2] = generation(a, _CACHES) + _1


@numba.njit
def _touch(a, uc, first, now):
    """Let the caches see the fetches, loads and stores of the unit entered at a time.

    What they cost is added to that time, so that each touch knows when it happens.
    """
    head = _TOUCHES + first
    before = generation(a, _CACHES) + _1
    hits = a[head + _2] == before
    a[_STALLED] = _0
    if hits:
        enter_line(a, _CACHES, a[head + _4])
    place = head + _5
    for number in range(a[head]):
        word = a[place]
        if word & _IS_FETCH == _0:
            address = word >> _32
            if word & _FROM_REGISTER != _0:
                address = (address + _register(a, uc, (word >> _8) & _BYTE)) & _LOW
            elif word & _FROM_SLOT != _0:
                address = (address + a[_SLOTS + ((word >> _8) & _BYTE)]) & _LOW
            size, is_store = (word >> _16) & _BYTE, word & _IS_STORE != _0
            time = now + a[place + _1]
            if not hits_line(a, _CACHES, a[place + _3], address, size, is_store, time):
                route = (word >> _ROUTE_SHIFT) & _15
                stall = read_or_write(a, _CACHES, route, address, size, is_store, time)
                a[place + _3] = held_line(a, _CACHES, route, address)
                if stall != _0:
                    now += stall
                    _note_stall(a, place, number, stall)
        elif not hits:
            time = now + a[place + _1]
            stall = fetch(a, _CACHES, (word >> _ROUTE_SHIFT) & _15, word >> _32, time)
            if stall != _0:
                before = _0
                now += stall
                _note_stall(a, place, number, stall)
        place += _4
    if not hits and before == generation(a, _CACHES) + _1:
        _remember_hits(a, head)


@numba.njit(inline="always")
def _account(a, uc, entry):
    """Account for the unit of an entry, which is entered."""
    cost, start = a[entry + _COST], a[_CYCLES]
    a[entry + _COUNT] += _1
    a[_CYCLES] = start + (cost & _LOW)
    a[_INSTRUCTIONS] += cost >> _32
    a[_ENTRY] = entry
    touches = (a[entry + _KIND] >> _TOUCH_SHIFT) & _TOUCH_MASK
    if touches != _0:
        head = _TOUCHES + touches
        if a[head + _3] != _0 or a[head + _2] != generation(a, _CACHES) + _1:
            _touch(a, uc, touches, start)
        else:  # nothing but fetches that hit
            a[_STALLED] = _0
            enter_line(a, _CACHES, a[head + _4])


@numba.njit(inline="always")
def _set_link(a, place, side, entry):
    """Note which entry followed by an edge."""
    a[place] = (a[place] & (_LOW << (_32 - side))) | (entry << side)


@numba.njit
def _enter(a, uc, address, size, split_unit):
    """Complete the edge to a unit, find the unit's entry, and account for it.

    ``split_unit`` is the unit to enter where the hook is that of a probe, else 0.
    """
    if a[_STOP] != _0:
        a[_LOST] += _1
        return
    if a[_INSTRUCTIONS] >= a[_LIMIT]:
        _stop(a, uc, _STOP_LIMIT)
        return
    entry = a[_ENTRY]
    about = a[entry + _ABOUT]
    code = (about >> _32) & _BYTE
    edge = a[_EDGE] - _1
    if a[_EDGE] == _NO_EDGE:
        end = about & _LOW
        edge = predict(a, _PREDICTOR, code, end, address)
        edge |= _2 if code != _0 and address != end else _0
    direction, side = edge >> _1, (edge & _1) << _5
    followers = entry + _FOLLOWERS + direction
    found = (a[followers] >> side) & _LOW
    # An entry that is not there has the place 0, and no unit the address in the header.
    if a[found + _KEY] != address | (size << _32):
        found = _0
    elif a[found + _KIND] & _HAS_RECIPE != _0:
        found = _match_inputs(a, uc, found)
    else:
        found = _match_guards(a, found)
    if found == _0:
        found = _find_follower(a, uc, entry, edge, address, size, split_unit)
        if found == _0:
            a[_EDGE] = edge + _1
            _stop(a, uc, _STOP_MISS)
            return
        _set_link(a, followers, side, found)
        leaves, enters = a[entry + _KIND] & _LEAVES_QUICKLY, a[found + _KIND] & _ENTERS_QUICKLY
        if leaves != _0 and enters != _0:
            _set_link(a, entry + _LINKS + direction, side, found)
    a[_EDGE] = _NO_EDGE
    if code >= _DIRECT or (about | a[found + _ABOUT]) >> _40 != _0:
        if _goes_too_deep(a, uc, about >> _40, found):
            a[_EDGE] = edge + _1
            _stop(a, uc, _STOP_STACK)
            return
        if code >= _DIRECT:
            _follow_call(a, code, about & _LOW, address, entry, found)
    a[_QUICK_LIMIT] = a[_LIMIT]
    _account(a, uc, found)


def source_digest(paths: Sequence[str | Path | None]) -> int:
    """Return a number that changes with the content of source files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(str(path)).read_bytes())
    return int.from_bytes(digest.digest()[:8], "little")


SOURCE_DIGEST = source_digest([__file__, predictor.__file__, caches.__file__])
"""Of all files whose functions are compiled into the hooks."""


def _enter_block(uc, address, size, arena):
    """Unicorn's UC_HOOK_BLOCK callback.

    It does what ``_enter`` does where nothing is out of the ordinary: a plain end of block, a
    direct or a conditional branch, then a unit and state that followed before, with inputs that are
    a matter of guards. Where only the second half is not, the edge is complete, and noted for
    ``_enter``. All calls stand at the end, so that no registers have to be saved for them.
    """
    a = numba.carray(arena, (ARENA_WORDS,), np.uint64)
    entry = a[_ENTRY]
    kind = a[entry + _KIND]
    if a[_INSTRUCTIONS] < a[_QUICK_LIMIT]:
        where = kind >> _32
        taken = (_1 if address >> _1 != where else _0) & (kind >> _4)
        links = a[entry + _LINKS + taken]
        edge = taken << _1
        if kind & _IS_CONDITIONAL != _0:
            backward = _1 if address >> _1 < where else _0
            may_loop = kind & _MAY_LOOP != _0
            wrong = predict_direction(a, _PREDICTOR, where, taken, backward, may_loop)
            links >>= wrong << _5
            edge |= wrong
        found = links & _LOW  # 0 where the short path may not follow: no unit has the header's key
        if a[found + _KEY] == address | (_U(size) << _32):
            found = _match_guards(a, found)
            if found != _0:
                _account(a, uc, found)
                return
        if kind & _LEAVES_QUICKLY != _0:
            a[_EDGE] = edge + _1
    _enter(a, uc, address, _U(size), _0)


def _enter_behind_split(uc, address, size, arena):
    """Unicorn's UC_HOOK_CODE callback at an address where a unit is split."""
    a = numba.carray(arena, (ARENA_WORDS,), np.uint64)
    if a[_STOP] != _0:
        return
    unit = _unit_of(a, a[_ENTRY])
    if a[unit + _3] != address:
        return  # another unit runs through here, one that needs no split
    behind = a[unit + _4]
    _enter(a, uc, address, a[_UNITS + (behind << _3)] >> _32, behind)


def _callback(function: Callable[..., None]) -> Any:
    """Return what in compiled code gives the address of a C function that does as this one.

    numba.cfunc would put a wrapper around the function, for exceptions that cannot happen, which
    costs as much as a third of the work. Here LLVM inlines it into the C function. The result is
    for use as a global: among the variables that a function closes over it would make numba's key
    a new one in every process.
    """
    signature = types.void(types.uint64, types.uint64, types.uint32, types.voidptr)

    @intrinsic
    def callback(typing_context: Any) -> Any:
        def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
            word = ir.IntType(64)
            parameters = [word, word, ir.IntType(32), ir.IntType(8).as_pointer()]
            kind = ir.FunctionType(ir.VoidType(), parameters)
            hook = ir.Function(builder.module, kind, f"thumbclock_{function.__name__}")
            inside = ir.IRBuilder(hook.append_basic_block())
            compiled = context.compile_subroutine(builder, function, signature)
            called = context.declare_function(builder.module, compiled.fndesc)
            context.call_conv.call_function(
                inside, called, types.void, signature.args, hook.args, attrs=("alwaysinline",)
            )
            inside.ret_void()
            return builder.ptrtoint(hook, word)

        return types.uint64(), generate

    return callback


_block_callback, _probe_callback = _callback(_enter_block), _callback(_enter_behind_split)


def _compile_hooks(digest: int) -> tuple[Any, Any]:
    """Compile functions that return the addresses of the two hooks, or load them from the cache.

    numba compares only this file with what it was when the code was compiled; but variables that a
    function closes over are part of its key, and so the digest stands for the other files.
    """

    @numba.njit(types.uint64(), cache=True)
    def block_hook():
        _ = digest
        return _block_callback()

    @numba.njit(types.uint64(), cache=True)
    def probe_hook():
        _ = digest
        return _probe_callback()

    return block_hook, probe_hook


block_hook, probe_hook = _compile_hooks(SOURCE_DIGEST)
