"""The study: read the loop, search, prove the result, and write it down."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from thumbclock.errors import ThumbclockError
from thumbclock.profiles import Profile
from thumbclock.result import IssuedCycle, ScheduleResult, ScheduleTarget, Toolchain
from thumbclock.studies.schedule.cost import Costs, IssuedInstruction
from thumbclock.studies.schedule.graph import make_body
from thumbclock.studies.schedule.search import search
from thumbclock.studies.schedule.source import Assembly, Excerpt, Listing, shortened, statement
from thumbclock.studies.schedule.verify import check_equivalence

__all__ = ["Outcome", "Target", "schedule"]


@dataclass(frozen=True)
class Target:
    """A profile that the order is for, and how much a cycle on it counts."""

    profile: Profile
    weight: int = 1


@dataclass(frozen=True)
class Outcome:
    """The result of a search, and the file with the new order, proven to assemble to it."""

    result: ScheduleResult
    text: str


def schedule(
    excerpt: Excerpt,
    assembly: Assembly,
    targets: Sequence[Target],
    *,
    steps: int,
    seed: int = 0,
    distinct: bool = False,
    low_bits: dict[int, int] | None = None,
    report: Callable[[int, Fraction], None] = lambda _steps, _cost: None,
) -> Outcome:
    """Search the order of a loop that takes the fewest cycles, summed over profiles by weight.

    Args:
        excerpt: The loop.
        assembly: How its file is assembled.
        targets: What it is to be fast on.
        steps: Orders to try.
        seed: Of the search.
        distinct: Whether different base registers reach different memory.
        low_bits: Lowest three bits of registers at the start of the loop, by number; the others
            are taken to be multiples of 8.
        report: Called now and then with the steps so far and the best cost.

    Raises:
        UsageError: The loop cannot be scheduled, or a core has no such instruction.
    """
    listing = excerpt.assemble(assembly)
    body = make_body(listing, distinct=distinct)
    costs = [(Costs(body, t.profile, low_bits or {}), t.weight) for t in targets]

    def price(order: Sequence[int], forms: Sequence[int]) -> Fraction:
        return sum((weight * cost.cycles(order, forms) for cost, weight in costs), Fraction(0))

    def estimate(order: Sequence[int], forms: Sequence[int]) -> Fraction:
        return sum((weight * cost.estimate(order, forms) for cost, weight in costs), Fraction(0))

    floors = [cost.floor() for cost, _ in costs]
    goal = sum(f * weight for f, (_, weight) in zip(floors, costs, strict=True))
    found = search(
        body, price, estimate, steps=steps, seed=seed, goal=Fraction(goal), report=report
    )
    order, forms = found.order, body.forms(found.order)
    assert forms is not None
    check_equivalence(body, order, forms, distinct=distinct)
    chosen = [body.variants[n][f] for n, f in zip(order, forms, strict=True)]
    statements = shortened(assembly, [i for i in chosen if i is not None], excerpt.aliases())
    results = tuple(
        _target(excerpt, target, cost, floor, order)
        for target, (cost, _), floor in zip(targets, costs, floors, strict=True)
    )
    labels = dict(zip((name for name, _ in excerpt.labels), listing.boundaries, strict=True))
    replaced = excerpt.replaced(statements, labels, _note(results, seed))
    code = [body.codes[n][f] for n, f in zip(order, forms, strict=True)]
    _check_text(replaced.assemble(assembly), code)
    info = assembly.toolchain.info
    result = ScheduleResult(
        source=excerpt.path.name,
        label=excerpt.label,
        toolchain=Toolchain(name=info.name, version=info.version, flags=info.flags),
        seed=seed,
        steps=found.steps,
        interrupted=found.interrupted,
        changed=order != body.original,
        targets=results,
        assembly=tuple(statements),
        labels=labels,
    )
    return Outcome(result, replaced.text)


def _target(
    excerpt: Excerpt, target: Target, costs: Costs, floor: int, order: Sequence[int]
) -> ScheduleTarget:
    body = costs.body
    forms, old = body.forms(order), body.forms(body.original)
    assert forms is not None
    assert old is not None
    return ScheduleTarget(
        profile=target.profile.name,
        weight=target.weight,
        before_cycles=float(costs.cycles(body.original, old)),
        after_cycles=float(costs.cycles(order, forms)),
        floor_cycles=floor,
        issue=tuple(_issue(costs.picture(order, forms), excerpt)),
    )


def _issue(picture: Sequence[IssuedInstruction], excerpt: Excerpt) -> list[IssuedCycle]:
    """Put together what issues in the same cycle; the first of all begins in cycle 0."""
    cycles: list[IssuedCycle] = []
    now = -1
    for issued in picture:
        text = re.sub(" +", " ", statement(issued.instruction, excerpt.aliases()))
        if issued.instruction.branch is not None:
            text = f"{text.partition(' ')[0]} {excerpt.label}"
        now += issued.cycles
        if issued.cycles or not cycles:
            cycles.append(IssuedCycle(cycle=now, instructions=(text,), stalls=dict(issued.stalls)))
        else:
            last = cycles[-1]
            cycles[-1] = last.model_copy(update={"instructions": (*last.instructions, text)})
    return cycles


def _note(results: Sequence[ScheduleTarget], seed: int) -> str:
    gains = ", ".join(
        f"{r.after_cycles:g} cycles on {r.profile} ({r.before_cycles:g} before)" for r in results
    )
    return f"Order found by thumbclock schedule, seed {seed}: {gains}."


def _check_text(listing: Listing, code: Sequence[bytes]) -> None:
    """Refuse a text that does not assemble to the machine code that was priced and proven."""
    for instruction, found, wanted in zip(listing.instructions, listing.code, code, strict=True):
        if found != wanted:
            raise ThumbclockError(
                f"'{instruction.text}' assembles to {found.hex()}, but the search had "
                f"{wanted.hex()}: a defect of thumbclock schedule"
            )
