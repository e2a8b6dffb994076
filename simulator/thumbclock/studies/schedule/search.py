"""The search: a greedy list schedule, then simulated annealing over the legal orders.

A step takes one instruction out and puts it back elsewhere between the last instruction that must
stay before it and the first that must stay behind it, so every order on the way is legal.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from thumbclock.studies.schedule.graph import Body

__all__ = ["Found", "search"]

_HOTTEST_CYCLES = 1.5
_COLDEST_CYCLES = 0.08
_REPORT_STEPS = 256
_UNREACHABLE = Fraction(1 << 30)

Price = Callable[[Sequence[int], Sequence[int]], Fraction]
Report = Callable[[int, Fraction], None]


@dataclass
class Found:
    """What a search found.

    Attributes:
        order: The best order.
        cost: What it costs.
        steps: Orders that were tried.
        interrupted: Whether it was stopped before its end.
    """

    order: list[int]
    cost: Fraction
    steps: int = 0
    interrupted: bool = False


def search(
    body: Body,
    price: Price,
    *,
    steps: int,
    seed: int,
    goal: Fraction,
    restarts: int = 4,
    report: Report = lambda _steps, _cost: None,
) -> Found:
    """Look for the order that costs least.

    Args:
        body: What may move where.
        price: Cost of an order and the forms of its instructions.
        steps: Orders to try.
        seed: Of the random moves; equal seeds give equal results.
        goal: A cost below which no order lies; the search ends there.
        restarts: Rounds of annealing, which share the steps.
        report: Called now and then with the steps so far and the best cost; an interrupt of the
            keyboard ends the search with the best so far.
    """
    walk = _Walk(body, price, random.Random(seed))
    start = body.original
    best = Found(start, walk.price_of(start))
    try:
        for candidate in (_list_schedule(body, price),):
            cost = walk.price_of(candidate)
            if cost < best.cost:
                best = Found(candidate, cost)
        for turn in range(restarts):
            begin = best.order if turn % 2 == 0 else start
            walk.anneal(begin, steps // restarts, best, goal, report)
            if best.cost <= goal:
                break
    except KeyboardInterrupt:
        best.interrupted = True
    return best


def _list_schedule(body: Body, price: Price) -> list[int]:
    """Order each segment greedily: of what may come next, what makes the loop cheapest.

    The rest of the segment stays in its order behind the choice, so that each choice is judged by
    the cost of a whole loop; ties go to the longest chain of dependent instructions.
    """
    height = [0] * len(body.before)
    for node in reversed(range(len(height))):
        followers = (m for m in range(len(height)) if body.behind[node] >> m & 1)
        height[node] = 1 + max((height[m] for m in followers), default=0)
    order = body.original
    for segment in body.segments:
        if segment.is_fixed:
            continue
        for place in range(segment.start, segment.stop - 1):
            choices = []
            for position in range(place, segment.stop):
                node = order[position]
                if any(body.before[node] >> order[p] & 1 for p in range(place, position)):
                    continue
                candidate = order.copy()
                candidate.insert(place, candidate.pop(position))
                forms = body.forms(candidate)
                cost = _UNREACHABLE if forms is None else price(candidate, forms)
                choices.append((cost, -height[node], position, candidate))
            order = min(choices)[3]
    return order


class _Walk:
    """Random moves in the space of legal orders."""

    def __init__(self, body: Body, price: Price, chance: random.Random) -> None:
        self._body = body
        self._price = price
        self._chance = chance
        movable = [s for s in body.segments if not s.is_fixed and s.stop - s.start > 1]
        self._range = [(s.start, s.stop) for s in movable for _ in range(s.start, s.stop)]
        self._positions = [p for s in movable for p in range(s.start, s.stop)]

    def price_of(self, order: Sequence[int]) -> Fraction:
        """Return the cost of an order, very high where an offset cannot be encoded."""
        forms = self._body.forms(order)
        return _UNREACHABLE if forms is None else self._price(order, forms)

    def anneal(
        self, start: list[int], steps: int, best: Found, goal: Fraction, report: Report
    ) -> None:
        """Walk from an order, accepting dearer ones less and less; note the best."""
        chance, order = self._chance, start.copy()
        cost = self.price_of(order)
        if not self._positions:
            return
        cooling = math.log(_COLDEST_CYCLES / _HOTTEST_CYCLES)
        for step in range(steps):
            if step % _REPORT_STEPS == 0:
                temperature = _HOTTEST_CYCLES * math.exp(cooling * step / steps)
                report(best.steps, best.cost)
            best.steps += 1
            moved = self._move(order)
            if moved is None:
                continue
            new = self.price_of(moved)
            if new <= cost or chance.random() < math.exp(float(cost - new) / temperature):
                order, cost = moved, new
                if cost < best.cost:
                    best.order, best.cost = order.copy(), cost
                    if cost <= goal:
                        return

    def _move(self, order: list[int]) -> list[int] | None:
        """Return the order with one instruction elsewhere, None where the chosen one is stuck."""
        chosen = self._chance.randrange(len(self._positions))
        position, (first, stop) = self._positions[chosen], self._range[chosen]
        node = order[position]
        before, behind = self._body.before[node], self._body.behind[node]
        low = position
        while low > first and not before >> order[low - 1] & 1:
            low -= 1
        high = position
        while high < stop - 1 and not behind >> order[high + 1] & 1:
            high += 1
        if low == high:
            return None
        place = self._chance.randrange(low, high)
        place += place >= position
        moved = order.copy()
        moved.insert(place, moved.pop(position))
        return moved
