"""Build one layer, run its kernel on a simulated board, check every output, price the warm run."""

import numpy as np

from thumbclock.energy import energy
from thumbclock.errors import CheckFailed, SimulationFault
from thumbclock.kernels.image import GUARD_BYTES, task_image, zones
from thumbclock.kernels.operators import draw_layer
from thumbclock.kernels.task import IntArray, KernelSpec, Layer, Task
from thumbclock.machine import CallResult, Extent, Machine
from thumbclock.profiles import Placement, Profile, load_profile
from thumbclock.result import (
    KernelResult,
    Mismatch,
    Precision,
    RunResult,
    waiting_cycles,
)
from thumbclock.result import Toolchain as ToolchainRecord
from thumbclock.toolchain import BuiltImage, Toolchain, build

__all__ = ["measure"]

_MISMATCHES_SHOWN = 16
_PATTERN = 0xA5  # what output, scratch and guards hold before the kernel runs


def measure(
    spec: KernelSpec,
    profile: Profile | str,
    placement: Placement | None = None,
    toolchain: Toolchain | None = None,
    *,
    data: Layer | None = None,
    seed: int = 0,
    optimisation: str = "-O3",
    check_memory: bool = False,
) -> KernelResult:
    """Measure a kernel: the second of two calls, with predictor and caches as the first left.

    Args:
        spec: The operator with shape and precision.
        profile: The board, by name or loaded.
        placement: Which memory holds what; the board's default where none is given.
        toolchain: The compiler; zig where none is given.
        data: The layer's numbers; drawn from the seed where none are given.
        seed: Of the drawn layer.
        optimisation: Of the C code.
        check_memory: Whether to run it once more, slowly, and check every load and store.

    Returns:
        The priced warm call. ``options`` states the sizes of packed weights, tables, scratch and
        emitted code.

    Raises:
        CheckFailed: The kernel wrote outside its output and scratch, or with `check_memory`
            read outside its arrays.
        SimulationFault: It faulted.
        UsageError: It cannot be built, or does not fit the board.
    """
    board = load_profile(profile) if isinstance(profile, str) else profile
    where = placement or board.board.default_placement
    task = (data or draw_layer(spec, seed)).task(board.core)
    built = build(task_image(task, board, where, optimisation=optimisation), toolchain)
    if check_memory:
        _check_memory(built, board, task)
    machine = Machine(built.elf, board)
    machine.start("tc_ready")
    _paint(machine, task)
    machine.call("tc_kernel")
    before = machine.result()
    call = machine.call("tc_kernel")
    _check_guards(machine, task)
    _check_arrays(machine, task)
    mismatches, count = _compare(_outputs(machine, task), task.expected)
    run = _run_result(machine.result(_record(built)), before, call, board, where)
    return KernelResult(
        operator=task.operator,
        title=spec.title,
        precision=Precision(weights=task.weight_bits, activations=task.activation_bits),
        shape=task.shape,
        options=_options(task, machine, optimisation),
        macs=task.macs,
        mac_per_cycle=task.macs / call.cycles,
        outputs=task.expected.size,
        checked=True,
        mismatch_count=count,
        mismatches=mismatches,
        run=run,
    )


def _check_memory(built: BuiltImage, board: Profile, task: Task) -> None:
    """Let the kernel read its arrays and constants, and write output and scratch: nothing else."""
    started = Machine(built.elf, board)
    started.start("tc_ready")
    machine = Machine(built.elf, board, engine="stepped")
    for start, end in machine.image.reserved:  # what start-up would take long to do step by step
        machine.write(start, started.read(start, end - start))
    written = {zone.symbol for zone in zones(task)}
    objects = machine.image.objects
    code = (Extent(f.address, f.size_bytes, f.name) for f in machine.image.functions)
    machine.restrict(
        # Functions hold constants, too: literals and the tables of a compiler's runtime.
        readable=(*code, *(extent for extent in objects if extent.name not in written)),
        writable=(extent for extent in objects if extent.name in written),
    )
    try:
        machine.call("tc_kernel")
    except SimulationFault as fault:
        raise CheckFailed(
            f"the kernel {task.operator} {task.implementation}: {fault}; the kernel, or the sizes "
            "that its Python half states, are wrong"
        ) from None


def _record(built: BuiltImage) -> ToolchainRecord:
    info = built.toolchain
    return ToolchainRecord(name=info.name, version=info.version, flags=info.flags)


def _paint(machine: Machine, task: Task) -> None:
    """Fill output, scratch and their guards, so that what the kernel writes shows."""
    for zone in zones(task):
        size_bytes = zone.size_bytes + 2 * GUARD_BYTES
        machine.write(machine.symbol(f"{zone.symbol}_zone"), bytes([_PATTERN]) * size_bytes)


def _check_guards(machine: Machine, task: Task) -> None:
    guard = bytes([_PATTERN]) * GUARD_BYTES
    for zone in zones(task):
        start = machine.symbol(zone.symbol)
        for side, address in (
            ("before", start - GUARD_BYTES),
            ("behind", start + zone.size_bytes),
        ):
            if machine.read(address, GUARD_BYTES) != guard:
                raise CheckFailed(
                    f"the kernel {task.operator} {task.implementation} wrote {side} "
                    f"{zone.symbol} ({zone.size_bytes} bytes at {start:#010x}); expected the "
                    f"{GUARD_BYTES} bytes there to stay as they were: the kernel, or the sizes "
                    "that its Python half states, are wrong"
                )


def _check_arrays(machine: Machine, task: Task) -> None:
    for array in task.arrays:
        if machine.read(machine.symbol(array.symbol), len(array.data)) != array.data:
            raise CheckFailed(
                f"the kernel {task.operator} {task.implementation} changed {array.symbol}, which "
                "it may only read: the kernel is wrong"
            )


def _outputs(machine: Machine, task: Task) -> IntArray:
    return task.unpack(machine.read(machine.symbol("tc_output"), task.output_bytes))


def _compare(actual: IntArray, expected: IntArray) -> tuple[tuple[Mismatch, ...], int]:
    differing = np.argwhere(actual != expected)
    shown = (tuple(int(part) for part in index) for index in differing[:_MISMATCHES_SHOWN])
    mismatches = tuple(
        Mismatch(index=index, expected=int(expected[index]), actual=int(actual[index]))
        for index in shown
    )
    return mismatches, len(differing)


def _options(
    task: Task, machine: Machine, optimisation: str
) -> dict[str, bool | int | float | str]:
    options: dict[str, bool | int | float | str] = {
        "implementation": task.implementation,
        "optimisation": optimisation,
        "scratch_bytes": task.scratch_bytes,
        **(task.options or {}),
    }
    if task.generated:
        options["emitted_code_bytes"] = _code_bytes(machine, task)
    return options


def _code_bytes(machine: Machine, task: Task) -> int:
    """Return the size of the functions that were emitted for this layer."""
    emitted = "".join(source.text or "" for source in task.generated)
    return sum(f.size_bytes for f in machine.image.functions if f"{f.name}:" in emitted)


def _run_result(
    after: RunResult, before: RunResult, call: CallResult, profile: Profile, placement: Placement
) -> RunResult:
    """Return the result of the last call alone: what a machine sums up, less what came before."""
    run = after.since(before)
    return run.model_copy(
        update={
            "energy_uj": energy(
                profile.board,
                {placement.code.name: call.cycles},
                waiting=waiting_cycles(run.stalls),
                mix=run.mix,
            ),
            "stack_bytes": call.stack_bytes,
            "placement": placement.names(),
        }
    )
