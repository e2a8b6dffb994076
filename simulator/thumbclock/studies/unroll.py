"""Which layers of a network to unroll: the fewest cycles that a budget of code memory allows.

Code with constant weights is several times as large as the weights, and worth it only where it is
fetched without waiting. So of each layer every kernel is measured, looped and unrolled, and the
choice among them is a knapsack, solved exactly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import thumbclock
from thumbclock.errors import UsageError
from thumbclock.kernels.measure import measure
from thumbclock.kernels.operators import draw_layer
from thumbclock.kernels.task import KernelSpec
from thumbclock.profiles import Placement, Profile
from thumbclock.result import Toolchain as ToolchainRecord
from thumbclock.result import UnrollOption, UnrollResult, UnrollRow
from thumbclock.toolchain import MemoryOverflowError, Toolchain

__all__ = ["Budget", "choose", "default_budget_bytes", "fewest_cycles", "measure_options"]

_LEAST_INSTRUCTION_BYTES = 2


@dataclass(frozen=True)
class Budget:
    """Where the code of all layers goes, and how much of it may be emitted.

    Attributes:
        profile: The board.
        placement: Which memory holds what.
        code_bytes: Most bytes of emitted code, over all layers.
    """

    profile: Profile
    placement: Placement
    code_bytes: int


def default_budget_bytes(placement: Placement) -> int:
    """Return three quarters of the code memory: the loops and the program want the rest."""
    return placement.code.size_bytes * 3 // 4


def measure_options(
    name: str, specs: Sequence[KernelSpec], budget: Budget, toolchain: Toolchain
) -> UnrollRow:
    """Measure a layer's kernels; those that it cannot have or that are too large are left out.

    Args:
        name: Of the layer.
        specs: The layer in each precision to choose from.
        budget: The board, the placement and the bytes.
        toolchain: The compiler.

    Raises:
        UsageError: No kernel of the layer fits.
    """
    options = tuple(_options(specs, budget, toolchain))
    if not options:
        raise UsageError(
            f"layer {name}: none of {', '.join(spec.precision.name for spec in specs)} fits "
            f"{budget.code_bytes} bytes of emitted code on {budget.profile.name}; add a looped "
            "kernel such as w8a8"
        )
    return UnrollRow(layer=name, options=options, chosen=0)


def _options(
    specs: Sequence[KernelSpec], budget: Budget, toolchain: Toolchain
) -> Iterator[UnrollOption]:
    for spec in specs:
        layer = draw_layer(spec)
        try:
            task = layer.task(budget.profile.core)
        except UsageError:
            continue  # the layer has no such kernel
        emitted = "".join(source.text or "" for source in task.generated)
        if emitted.count("\n") * _LEAST_INSTRUCTION_BYTES > budget.code_bytes:
            continue  # and building it would take long
        try:
            result = measure(spec, budget.profile, budget.placement, toolchain, data=layer)
        except MemoryOverflowError:
            continue
        code_bytes = int(result.options.get("emitted_code_bytes", 0))
        if code_bytes <= budget.code_bytes:
            yield UnrollOption(
                implementation=spec.precision.name,
                cycles=result.run.cycles,
                code_bytes=code_bytes,
                weight_bytes=int(result.options.get("weight_bytes", 0)),
                outputs_differ=result.mismatch_count,
            )


def fewest_cycles(layers: Sequence[Sequence[tuple[int, int]]], budget: int) -> tuple[int, ...]:
    """Return which option of each layer to take, for the fewest cycles within a budget.

    Exact: of the choices for the first layers, all are kept that no other one beats in both bytes
    and cycles. Of equal choices, the one with fewer bytes.

    Args:
        layers: (bytes, cycles) of each option of each layer.
        budget: Most bytes in all.

    Raises:
        UsageError: Not even the smallest options fit.
    """
    frontier: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, ())]
    for options in layers:
        grown = sorted(
            (used + size, cycles + more, (*picks, index))
            for used, cycles, picks in frontier
            for index, (size, more) in enumerate(options)
            if used + size <= budget
        )
        frontier = []
        for choice in grown:
            if not frontier or choice[1] < frontier[-1][1]:
                frontier.append(choice)
    if not frontier:
        smallest = sum(min(size for size, _ in options) for options in layers)
        raise UsageError(
            f"the smallest kernels of all layers take {smallest} bytes of emitted code, and the "
            f"budget is {budget}; raise it, or add looped kernels"
        )
    return frontier[-1][2]


def choose(
    title: str, rows: Sequence[UnrollRow], budget: Budget, toolchain: Toolchain
) -> UnrollResult:
    """Return the result of a study: each layer's options and which of them to take.

    Raises:
        UsageError: The budget does not suffice.
    """
    sizes = [[(option.code_bytes, option.cycles) for option in row.options] for row in rows]
    picks = fewest_cycles(sizes, budget.code_bytes)
    return UnrollResult(
        title=title,
        version=thumbclock.__version__,
        toolchain=ToolchainRecord(
            name=toolchain.info.name, version=toolchain.info.version, flags=toolchain.info.flags
        ),
        profile=budget.profile.name,
        placement=budget.placement.names(),
        budget_bytes=budget.code_bytes,
        rows=tuple(
            row.model_copy(update={"chosen": pick}) for row, pick in zip(rows, picks, strict=True)
        ),
    )
