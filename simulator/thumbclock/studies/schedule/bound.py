"""A bound on what any order can cost: how many instructions could pair if nothing else mattered."""

from collections.abc import Callable, Sequence

__all__ = ["largest_pairing"]


def largest_pairing(count: int, pairs: Callable[[int, int], bool]) -> int:
    """Return a number of disjoint pairs that no choice of pairs exceeds.

    It is the fractional matching number of the graph, rounded down: half of a largest matching
    between two copies of the instructions, by augmenting paths.
    """
    beside = [
        [j for j in range(count) if j != i and (pairs(i, j) or pairs(j, i))] for i in range(count)
    ]
    partner = [-1] * count
    matched = sum(_augment(i, beside, partner, set()) for i in range(count))
    return matched // 2


def _augment(i: int, beside: Sequence[Sequence[int]], partner: list[int], seen: set[int]) -> bool:
    for j in beside[i]:
        if j not in seen:
            seen.add(j)
            if partner[j] < 0 or _augment(partner[j], beside, partner, seen):
                partner[j] = i
                return True
    return False
