"""The branch predictor on streams of branches."""

from collections.abc import Iterator

import numpy as np
import pytest

from thumbclock.cores import PredictorSizes
from thumbclock.isa import Branch
from thumbclock.machine.predictor import BRANCH_CODES, PREDICTOR_WORDS, initialise, predict

SIZES = PredictorSizes(
    history_bits=8,
    pattern_bits=10,
    target_entries=64,
    return_entries=4,
    loop_entries=64,
    longest_loop=31,
)
Visit = tuple[Branch, int, int]
"""A branch as it went: what it is, the address behind it, where execution went on."""


def rounds(count: int, end: int = 0x1010) -> Iterator[Visit]:
    """Run a loop of ``count`` rounds: its branch is taken one time less."""
    for _ in range(count - 1):
        yield Branch.CONDITIONAL, end, 0x1000
    yield Branch.CONDITIONAL, end, end


def wrong(table: np.ndarray, visits: Iterator[Visit]) -> int:
    """Return how many branches of a stream were predicted wrongly."""
    arguments = ((BRANCH_CODES[kind], end, target) for kind, end, target in visits)
    return sum(int(predict(table, *map(np.uint64, (0, *branch)))) for branch in arguments)


@pytest.fixture
def table() -> np.ndarray:
    """A predictor at power-up."""
    words = np.zeros(PREDICTOR_WORDS, np.uint64)
    initialise(words, SIZES)
    return words


@pytest.mark.parametrize("count", [9, 13, 18, 26, 32])
def test_the_end_of_a_loop_is_foretold(table: np.ndarray, count: int) -> None:
    """A loop whose branch is taken up to 31 times ends without a wrong guess once it is known."""
    for _ in range(4):
        wrong(table, rounds(count))
    assert wrong(table, rounds(count)) == 0


def test_the_end_of_a_long_loop_is_not(table: np.ndarray) -> None:
    """A loop of more rounds than can be counted costs one wrong guess each time."""
    for _ in range(4):
        wrong(table, rounds(40))
    assert wrong(table, rounds(40)) == 1


def test_a_loop_that_changes_its_length(table: np.ndarray) -> None:
    """One round more than before costs a wrong guess there, and one at the end."""
    for _ in range(4):
        wrong(table, rounds(20))
    assert wrong(table, rounds(21)) == 2


def test_returns_and_indirect_branches(table: np.ndarray) -> None:
    """A return goes behind its call; an indirect branch is expected where it went last."""
    call, back = (Branch.CALL, 0x1004, 0x2000), (Branch.RETURN, 0x2002, 0x1004)
    jump, other = (Branch.INDIRECT, 0x3002, 0x4000), (Branch.INDIRECT, 0x3002, 0x5000)
    assert wrong(table, iter([call, back])) == 0
    assert wrong(table, iter([jump, jump, other, other])) == 2


def test_a_core_without_a_predictor(table: np.ndarray) -> None:
    """Nothing is predicted, and so nothing wrongly."""
    initialise(table, None)
    assert wrong(table, rounds(5)) == 0
