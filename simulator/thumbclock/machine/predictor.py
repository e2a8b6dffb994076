"""The branch predictor, simulated beside the pipeline because its history is long.

A global history of outcomes indexes two-bit counters for conditional branches; indirect branches
remember their last target; returns use a small stack. Sizes come from the core's profile. The
function works on a table of 64-bit words that its caller owns, so that the native hook and the
reference engine run the same predictor on tables of their own.
"""

import numba
import numpy as np
import numpy.typing as npt

from thumbclock.cores import PredictorSizes
from thumbclock.isa import Branch

__all__ = [
    "BRANCH_CODES",
    "HISTORY",
    "HISTORY_MASK",
    "PATTERNS",
    "PATTERN_MASK",
    "PREDICTOR_WORDS",
    "initialise",
    "next_counter",
    "predict",
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

HISTORY, HISTORY_MASK, PATTERN_MASK = 1, 2, 3
_ENABLED, _HISTORY, _HISTORY_MASK, _PATTERN_MASK = _U(0), _U(1), _U(2), _U(3)
_TARGET_MASK, _RETURN_MASK, _RETURN_TOP = _U(4), _U(5), _U(6)
PATTERNS = 8
_TARGETS = PATTERNS + (1 << 12)
_RETURNS = _TARGETS + 512
PREDICTOR_WORDS = _RETURNS + 64

_PATTERN_BASE, _TARGET_BASE, _RETURN_BASE = _U(PATTERNS), _U(_TARGETS), _U(_RETURNS)
_0, _1, _2, _3 = _U(0), _U(1), _U(2), _U(3)
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
    words[PATTERNS:_TARGETS] = 1


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
def next_counter(counter, taken):
    """Return a two-bit counter after an outcome."""
    return (_NEXT_COUNTER >> ((counter << _2) | (taken << _1))) & _3


@numba.njit(inline="always")
def predict(words, base, code, end, target):
    """Predict one branch, learn its outcome, and return 1 where the prediction was wrong.

    All arguments are uint64: the table, where the predictor starts in it, the branch's code (see
    ``BRANCH_CODES``), the address behind the branch, and the address where execution went on.
    """
    taken = _1 if target != end else _0
    # Conditional branches, direct ones and plain ends of blocks all take this path, which has no
    # branch of the host's own: which of them comes next is as hard to predict for the host.
    conditional = _1 if code == _CONDITIONAL else _0
    history = words[base + _HISTORY]
    index = (history ^ (end >> _1)) & words[base + _PATTERN_MASK]
    place = base + _PATTERN_BASE + index
    counter = words[place]
    wrong = ((counter >> _1) ^ taken) & conditional & words[base + _ENABLED]
    learnt = next_counter(counter, taken)
    words[place] = learnt if conditional != _0 else counter
    recorded = ((history << _1) | taken) & words[base + _HISTORY_MASK]
    words[base + _HISTORY] = recorded if conditional != _0 else history
    if code >= _CALL and words[base + _ENABLED] != _0 and taken != _0:
        wrong = _predict_target(words, base, code, end, target)
    return wrong
