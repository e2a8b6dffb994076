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

_HOTTEST_CYCLES = 0.6
_COLDEST_CYCLES = 0.1
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
    estimate: Price,
    *,
    steps: int,
    seed: int,
    goal: Fraction,
    report: Report = lambda _steps, _cost: None,
) -> Found:
    """Look for the order that costs least.

    Args:
        body: What may move where.
        price: Cost of an order and the forms of its instructions.
        estimate: The same, found faster, but perhaps not exact; the best orders are priced.
        steps: Orders to try.
        seed: Of the random moves; equal seeds give equal results.
        goal: A cost below which no order lies; the search ends there.
        report: Called now and then with the steps so far and the best cost; an interrupt of the
            keyboard ends the search with the best so far.
    """
    walk = _Walk(body, price, estimate, random.Random(seed), report)
    walk.note(body.original)
    try:
        if walk.best.cost > goal:
            walk.note(_list_schedule(body, estimate))
        starts = (walk.best.order, body.original)
        for start in starts:
            walk.anneal(start, -(-steps // len(starts)), goal)
    except KeyboardInterrupt:
        walk.best.interrupted = True
    return walk.best


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
    """Random moves in the space of legal orders, and the best that was met."""

    def __init__(
        self, body: Body, price: Price, estimate: Price, chance: random.Random, report: Report
    ) -> None:
        self._body = body
        self._price = price
        self._estimate = estimate
        self._chance = chance
        self._report = report
        movable = [s for s in body.segments if not s.is_fixed and s.stop - s.start > 1]
        self._range = [(s.start, s.stop) for s in movable for _ in range(s.start, s.stop)]
        self._positions = [p for s in movable for p in range(s.start, s.stop)]
        self.best = Found(body.original, _UNREACHABLE)

    def note(self, order: list[int]) -> None:
        """Price an order, and keep it if it is the best."""
        forms = self._body.forms(order)
        cost = _UNREACHABLE if forms is None else self._price(order, forms)
        if cost < self.best.cost:
            self.best.order, self.best.cost = order.copy(), cost

    def anneal(self, start: list[int], steps: int, goal: Fraction) -> None:
        """Walk from an order, accepting dearer ones less and less, until the goal is met."""
        chance, order, best = self._chance, start.copy(), self.best
        cost = self._cost(order)
        cooling = math.log(_COLDEST_CYCLES / _HOTTEST_CYCLES)
        for step in range(steps if self._positions else 0):
            if best.cost <= goal:
                return
            if step % _REPORT_STEPS == 0:
                temperature = _HOTTEST_CYCLES * math.exp(cooling * step / steps)
                self._report(best.steps, best.cost)
            best.steps += 1
            moved = self._move(order)
            if moved is None:
                continue
            new = self._cost(moved)
            if new <= cost or chance.random() < math.exp(float(cost - new) / temperature):
                order, cost = moved, new
                if cost < best.cost:
                    self.note(order)

    def _cost(self, order: Sequence[int]) -> Fraction:
        forms = self._body.forms(order)
        return _UNREACHABLE if forms is None else self._estimate(order, forms)

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
