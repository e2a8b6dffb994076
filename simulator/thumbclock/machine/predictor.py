"""The branch predictor, simulated beside the pipeline because its history is long.

A global history of outcomes indexes two-bit counters for conditional branches; a table of loops
counts how often a backward branch is taken before it is not, and foretells the end; indirect
branches remember their last target; returns use a small stack. Sizes come from the core's profile.
The function works on a table of 64-bit words that its caller owns, so that the native hook and the
reference engine run the same predictor on tables of their own.
"""

import numba
import numpy as np
import numpy.typing as npt

from thumbclock.cores import PredictorSizes
from thumbclock.isa import Branch

__all__ = [
    "BRANCH_CODES",
    "PREDICTOR_WORDS",
    "initialise",
    "predict",
    "predict_direction",
]

_U = np.uint64

BRANCH_CODES: dict[Branch | None, int] = {
    None: 0,
    Branch.CONDITIONAL: 1,
    Branch.DIRECT: 2,
    Branch.CALL: 3,
    Branch.INDIRECT: 4,
    Branch.INDIRECT_CALL: 5,
    Branch.RETURN: 6,
}

_ENABLED, _HISTORY, _HISTORY_MASK, _PATTERN_MASK = _U(0), _U(1), _U(2), _U(3)
_TARGET_MASK, _RETURN_MASK, _RETURN_TOP, _LOOP_MASK = _U(4), _U(5), _U(6), _U(7)
_LONGEST_LOOP = _U(8)
_PATTERNS = 16
_TARGETS = _PATTERNS + (1 << 12)
_RETURNS = _TARGETS + 512
_LOOPS = _RETURNS + 64
PREDICTOR_WORDS = _LOOPS + 512

_PATTERN_BASE, _TARGET_BASE, _RETURN_BASE = _U(_PATTERNS), _U(_TARGETS), _U(_RETURNS)
_LOOP_BASE = _U(_LOOPS)
_0, _1, _2, _3 = _U(0), _U(1), _U(2), _U(3)
# A loop: times that its branch was taken in this run of it, and in the run before; whether the two
# runs before agreed; half the address behind the branch.
_LAST_RUN, _IS_SURE, _TAG, _COUNT = _U(8), _U(16), _U(17), _U(0xFF)
# Two bits each: the next counter by counter * 2 + taken.
_NEXT_COUNTER = _U(0b11_10_11_01_10_00_01_00)
_CONDITIONAL, _DIRECT, _CALL = _U(1), _U(2), _U(3)
_INDIRECT, _INDIRECT_CALL, _RETURN = _U(4), _U(5), _U(6)


def initialise(words: npt.NDArray[np.uint64], sizes: PredictorSizes | None) -> None:
    """Reset the predictor's table to its state at power-up: every counter weakly not taken."""
    words[:PREDICTOR_WORDS] = 0
    if sizes is None:
        return
    words[int(_ENABLED)] = 1
    words[int(_HISTORY_MASK)] = (1 << sizes.history_bits) - 1
    words[int(_PATTERN_MASK)] = (1 << min(sizes.pattern_bits, 12)) - 1
    words[int(_TARGET_MASK)] = min(sizes.target_entries, 512) - 1
    words[int(_RETURN_MASK)] = min(sizes.return_entries, 64) - 1
    words[int(_LOOP_MASK)] = min(sizes.loop_entries, 512) - 1
    words[int(_LONGEST_LOOP)] = sizes.longest_loop
    words[_PATTERNS:_TARGETS] = 1


@numba.njit
def _predict_target(words, base, code, end, target):
    """Predict where a call, an indirect branch or a return goes."""
    wrong = _0
    if code == _RETURN:
        top = words[base + _RETURN_TOP]
        if words[base + _RETURN_BASE + (top & words[base + _RETURN_MASK])] != target:
            wrong = _1
        words[base + _RETURN_TOP] = top - _1
        return wrong
    if code != _CALL:
        place = base + _TARGET_BASE + ((end >> _1) & words[base + _TARGET_MASK])
        if words[place] != target:
            wrong = _1
        words[place] = target
    if code != _INDIRECT:
        top = words[base + _RETURN_TOP] + _1
        words[base + _RETURN_TOP] = top
        words[base + _RETURN_BASE + (top & words[base + _RETURN_MASK])] = end
    return wrong


@numba.njit(inline="always")
def _predict_end(words, base, where, taken, backward, guess):
    """Return the guess, or what the table of loops knows better; count how often it is taken."""
    place = base + _LOOP_BASE + (where & words[base + _LOOP_MASK])
    loop = words[place]
    if loop >> _TAG != where:
        if backward != _0:
            words[place] = where << _TAG | _1
        return guess
    count, last, sure = loop & _COUNT, (loop >> _LAST_RUN) & _COUNT, (loop >> _IS_SURE) & _1
    ends = _1 if count == last else _0
    counted = _1 if count <= words[base + _LONGEST_LOOP] else _0
    # A run that is longer than those before, or than can be counted, is unlike them.
    if taken != _0:
        words[place] = (loop & ~(ends << _IS_SURE)) + counted
    else:
        words[place] = where << _TAG | (ends & counted) << _IS_SURE | count << _LAST_RUN
    return ends ^ _1 if sure != _0 else guess


@numba.njit(inline="always")
def predict_direction(words, base, where, taken, backward, may_loop):
    """Predict a conditional branch, learn its outcome, and return 1 where it was wrong.

    The arguments but the last are uint64: the table, where the predictor starts in it, half the
    address behind the branch, whether it was taken, and whether it went back. Where it can only go
    forward, ``may_loop`` may be false: the table of loops then has nothing about it.
    """
    history = words[base + _HISTORY]
    place = base + _PATTERN_BASE + ((history ^ where) & words[base + _PATTERN_MASK])
    counter = words[place]
    words[place] = (_NEXT_COUNTER >> ((counter << _2) | (taken << _1))) & _3
    words[base + _HISTORY] = ((history << _1) | taken) & words[base + _HISTORY_MASK]
    guess = counter >> _1
    if may_loop:
        guess = _predict_end(words, base, where, taken, backward, guess)
    return guess ^ taken


@numba.njit(inline="always")
def predict(words, base, code, end, target):
    """Predict one branch, learn its outcome, and return 1 where the prediction was wrong.

    All arguments are uint64: the table, where the predictor starts in it, the branch's code (see
    ``BRANCH_CODES``), the address behind the branch, and the address where execution went on.
    """
    if words[base + _ENABLED] == _0:
        return _0
    if code == _CONDITIONAL:
        taken = _1 if target != end else _0
        backward = _1 if target < end else _0
        return predict_direction(words, base, end >> _1, taken, backward, True)
    if code >= _CALL and target != end:
        return _predict_target(words, base, code, end, target)
    return _0
