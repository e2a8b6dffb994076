"""Build one layer, run its kernel on a simulated board, check every output, price the warm run."""

import numpy as np

from thumbclock.energy import energy
from thumbclock.errors import CheckFailed
from thumbclock.kernels.data import ConvData, random_layer
from thumbclock.kernels.image import GUARD_BYTES, conv_image, zones
from thumbclock.kernels.packing import (
    keeps_rows,
    pack_requantization,
    scratch_bytes,
    unpack_activations,
    weight_bytes,
)
from thumbclock.kernels.reference import IntArray
from thumbclock.kernels.spec import ConvSpec
from thumbclock.machine import CallResult, Machine
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
    spec: ConvSpec,
    profile: Profile | str,
    placement: Placement | None = None,
    toolchain: Toolchain | None = None,
    *,
    data: ConvData | None = None,
    seed: int = 0,
    optimisation: str = "-O3",
) -> KernelResult:
    """Measure a convolution: the second of two calls, with predictor and caches as the first left.

    Args:
        spec: The convolution.
        profile: The board, by name or loaded.
        placement: Which memory holds what; the board's default where none is given.
        toolchain: The compiler; zig where none is given.
        data: The layer's numbers; drawn from the seed where none are given.
        seed: Of the drawn layer.
        optimisation: Of the C code.

    Returns:
        The priced warm call. ``options`` states the sizes of packed weights, requantization table,
        scratch and, of unrolled kernels, of the code that stands for weights.

    Raises:
        CheckFailed: The kernel wrote outside its output and scratch.
        SimulationFault: It faulted.
        UsageError: It cannot be built, or does not fit the board.
    """
    board = load_profile(profile) if isinstance(profile, str) else profile
    where = placement or board.board.default_placement
    layer = data or random_layer(spec, seed)
    built = build(conv_image(layer, board, where, optimisation=optimisation), toolchain)
    machine = Machine(built.elf, board)
    machine.start("tc_ready")
    _paint(machine, spec)
    machine.call("tc_kernel")
    before = machine.result()
    call = machine.call("tc_kernel")
    _check_guards(machine, spec)
    mismatches, count = _compare(_outputs(machine, spec), layer.expected())
    run = _run_result(machine.result(_record(built)), before, call, board, where)
    return KernelResult(
        operator="conv",
        precision=Precision(
            weights=spec.precision.weight_bits, activations=spec.precision.activation_bits
        ),
        shape=_shape(spec),
        options=_options(layer, machine, optimisation),
        macs=spec.macs,
        mac_per_cycle=spec.macs / call.cycles,
        checked=True,
        mismatch_count=count,
        mismatches=mismatches,
        run=run,
    )


def _record(built: BuiltImage) -> ToolchainRecord:
    info = built.toolchain
    return ToolchainRecord(name=info.name, version=info.version, flags=info.flags)


def _paint(machine: Machine, spec: ConvSpec) -> None:
    """Fill output, scratch and their guards, so that what the kernel writes shows."""
    for zone in zones(spec):
        size_bytes = zone.size_bytes + 2 * GUARD_BYTES
        machine.write(machine.symbol(f"{zone.symbol}_zone"), bytes([_PATTERN]) * size_bytes)


def _check_guards(machine: Machine, spec: ConvSpec) -> None:
    guard = bytes([_PATTERN]) * GUARD_BYTES
    for zone in zones(spec):
        start = machine.symbol(zone.symbol)
        for side, address in (
            ("before", start - GUARD_BYTES),
            ("behind", start + zone.size_bytes),
        ):
            if machine.read(address, GUARD_BYTES) != guard:
                raise CheckFailed(
                    f"the kernel of {spec.precision.name} {spec.shape_text} wrote {side} "
                    f"{zone.symbol} ({zone.size_bytes} bytes at {start:#010x}); expected the "
                    f"{GUARD_BYTES} bytes there to stay as they were: the kernel or "
                    "thumbclock.kernels.packing is wrong"
                )


def _outputs(machine: Machine, spec: ConvSpec) -> IntArray:
    zone = zones(spec)[0]
    raw = machine.read(machine.symbol(zone.symbol), zone.size_bytes)
    return unpack_activations(raw, spec.output_shape, spec.precision.activation_bits)


def _compare(actual: IntArray, expected: IntArray) -> tuple[tuple[Mismatch, ...], int]:
    differing = np.argwhere(actual != expected)
    shown = (tuple(int(part) for part in index) for index in differing[:_MISMATCHES_SHOWN])
    mismatches = tuple(
        Mismatch(index=index, expected=int(expected[index]), actual=int(actual[index]))
        for index in shown
    )
    return mismatches, len(differing)


def _shape(spec: ConvSpec) -> dict[str, int]:
    return {
        "in_h": spec.in_h,
        "in_w": spec.in_w,
        "in_c": spec.in_c,
        "out_h": spec.out_h,
        "out_w": spec.out_w,
        "out_c": spec.out_c,
        "kernel_h": spec.kernel_h,
        "kernel_w": spec.kernel_w,
        "stride_h": spec.stride_h,
        "stride_w": spec.stride_w,
        "pad_top": spec.padding.top,
        "pad_bottom": spec.padding.bottom,
        "pad_left": spec.padding.left,
        "pad_right": spec.padding.right,
    }


def _options(
    layer: ConvData, machine: Machine, optimisation: str
) -> dict[str, bool | int | float | str]:
    spec = layer.spec
    table = pack_requantization(spec, layer.requantization, layer.weights)
    options: dict[str, bool | int | float | str] = {
        "implementation": spec.precision.name,
        "optimisation": optimisation,
        "weight_bytes": weight_bytes(spec),
        "requantization_bytes": len(table),
        "scratch_bytes": scratch_bytes(spec),
        "keeps_rows": keeps_rows(spec),
    }
    if spec.precision.unrolled:
        options["skip_percent"] = spec.precision.skip_percent
        options["zero_weights"] = int((layer.weights == 0).sum())
        options["unrolled_code_bytes"] = _code_bytes(machine, "tc_unrolled_dot")
    return options


def _code_bytes(machine: Machine, name: str) -> int:
    return next(f.size_bytes for f in machine.image.functions if f.name == name)


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
