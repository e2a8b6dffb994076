"""Kernels side by side: every precision on every profile in every placement."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from thumbclock.energy import Schedule, with_schedule
from thumbclock.errors import CheckFailed, SimulationFault
from thumbclock.kernels.image import task_image
from thumbclock.kernels.measure import measure
from thumbclock.kernels.operators import draw_layer
from thumbclock.kernels.task import KernelSpec, Layer
from thumbclock.profiles import Placement, Profile, parse_placement
from thumbclock.result import CompareFailure, CompareResult, KernelResult
from thumbclock.toolchain import MemoryOverflowError, Toolchain, build

__all__ = ["Candidate", "candidates", "compare_kernels"]

_BUILDS_AT_ONCE = 2


@dataclass(frozen=True)
class Candidate:
    """One row to be: a kernel on a board, its parts in their memories."""

    spec: KernelSpec
    profile: Profile
    placement: Placement


def candidates(
    specs: Sequence[KernelSpec], boards: Sequence[Profile], placements: Sequence[str]
) -> list[Candidate]:
    """Return every combination, profile by profile and placement by placement.

    Args:
        specs: The kernels.
        boards: The boards.
        placements: As `parse_placement` reads them; ``default`` is the board's own.

    Raises:
        UsageError: A placement is not there.
    """
    return [
        Candidate(spec, board, placement)
        for board in boards
        for placement in _distinct(board, placements)
        for spec in specs
    ]


def _distinct(board: Profile, texts: Sequence[str]) -> list[Placement]:
    parsed = (parse_placement("" if text == "default" else text, board.board) for text in texts)
    return list({str(placement): placement for placement in parsed}.values())


def compare_kernels(
    rows: Sequence[Candidate],
    toolchain: Toolchain,
    *,
    title: str,
    seed: int = 0,
    schedule: Schedule | None = None,
    each: Callable[[str], None] = lambda _: None,
) -> CompareResult:
    """Measure kernels; one that does not fit, or faults, is recorded and the rest goes on.

    Args:
        rows: What to measure; the first that can be is the baseline.
        toolchain: The compiler.
        title: What is compared, for a reader.
        seed: Of the drawn layers.
        schedule: The period, sleep and battery of each row, if it is to have a duty cycle.
        each: Called after each row with the name of its precision.
    """
    measured: list[KernelResult] = []
    failures: list[CompareFailure] = []
    with ThreadPoolExecutor(_BUILDS_AT_ONCE) as pool:
        layers = {row.spec: draw_layer(row.spec, seed) for row in rows}
        waiting = [pool.submit(_prebuild, row, layers[row.spec], toolchain) for row in rows]
        try:
            for row, built in zip(rows, waiting, strict=True):
                outcome = _measured(row, built, layers[row.spec], toolchain)
                if isinstance(outcome, KernelResult):
                    run = with_schedule(outcome.run, row.profile.board, schedule)
                    measured.append(outcome.model_copy(update={"run": run}))
                else:
                    failures.append(outcome)
                each(row.spec.precision.name)
        finally:
            for build_ahead in waiting:
                build_ahead.cancel()
    return CompareResult(title=title, rows=tuple(measured), failures=tuple(failures))


def _prebuild(row: Candidate, layer: Layer, toolchain: Toolchain) -> None:
    """Have the image in the cache by the time it is measured: compilers use the other core."""
    task = layer.task(row.profile.core)
    build(task_image(task, row.profile, row.placement), toolchain)


def _measured(
    row: Candidate, built: Future[None], layer: Layer, toolchain: Toolchain
) -> KernelResult | CompareFailure:
    try:
        built.result()
        return measure(row.spec, row.profile, row.placement, toolchain, data=layer)
    except MemoryOverflowError as error:
        reason = (
            f"needs {error.needed_bytes} bytes of {error.memory}, which has "
            f"{error.available_bytes} for it"
        )
        return _failure(row, "does not fit", reason)
    except CheckFailed as error:
        return _failure(row, "check", str(error))
    except SimulationFault as error:
        return _failure(row, "fault", str(error))


def _failure(row: Candidate, kind: str, reason: str) -> CompareFailure:
    return CompareFailure.model_validate(
        {
            "kind": kind,
            "implementation": row.spec.precision.name,
            "profile": row.profile.name,
            "placement": row.placement.names(),
            "reason": reason,
        }
    )
