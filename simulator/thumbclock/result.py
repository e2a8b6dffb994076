"""What runs, kernels, comparisons, validations and schedules yield: JSON forms and schemas.

``thumbclock/schemas/*.json`` are generated from the models here by ``python -m thumbclock.result``.
A reader ignores fields that it does not know; a change of meaning is a new schema version.
"""

import json
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from thumbclock.errors import UsageError

__all__ = [
    "Block",
    "Call",
    "CompareFailure",
    "CompareResult",
    "DutyCycle",
    "EnergyUj",
    "ErrorStatistics",
    "Exit",
    "ExitReason",
    "FaultReport",
    "FunctionCost",
    "Image",
    "Interval",
    "IssuedCycle",
    "KernelResult",
    "Layer",
    "LayerMean",
    "LayerRow",
    "LayersResult",
    "MemoryPlanEntry",
    "Mismatch",
    "ModelError",
    "ModelStatement",
    "NumberRecord",
    "Precision",
    "ProfileRecord",
    "ProfilesResult",
    "Result",
    "RunResult",
    "ScheduleResult",
    "ScheduleTarget",
    "TimelineSample",
    "Toolchain",
    "UnrollOption",
    "UnrollResult",
    "UnrollRow",
    "ValidationResult",
    "ValidationRow",
    "json_schemas",
    "read_result",
    "waiting_cycles",
    "write_result",
    "write_schemas",
]

_WAITING_STALLS = frozenset({"fetch_wait", "memory_wait", "fetch_miss", "data_miss"})

ExitReason = Literal[
    "exit",
    "returned",
    "fault",
    "instruction_limit",
    "time_limit",
    "idle",
]
"""Why a run ended: the program exited (semihosting), the called function returned, it faulted, a
limit was reached, or it waits for an interrupt that nothing will raise."""

Count = Annotated[int, Field(ge=0)]
"""A number of cycles, instructions, bytes or events."""

Address = Annotated[int, Field(ge=0, lt=1 << 32)]


class _Model(BaseModel):
    # By the Python name as well as by the alias, so that producers need not write "schema".
    model_config = ConfigDict(frozen=True, populate_by_name=True, allow_inf_nan=False)


class Image(_Model):
    """The program that ran.

    Attributes:
        name: File name, without the folders that lead to it.
        sha256: Digest of its bytes, in hexadecimal.
    """

    name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Toolchain(_Model):
    """The compiler that built the image: name, version and flags."""

    name: str
    version: str
    flags: tuple[str, ...] = ()


class EnergyUj(_Model):
    """Energy in microjoules with its interval, and what it rests on."""

    typical: Annotated[float, Field(ge=0)]
    low: Annotated[float, Field(ge=0)]
    high: Annotated[float, Field(ge=0)]
    basis: str


class Interval(_Model):
    """A typical value and the interval in which the true one is expected."""

    typical: Annotated[float, Field(ge=0)]
    low: Annotated[float, Field(ge=0)]
    high: Annotated[float, Field(ge=0)]


class DutyCycle(_Model):
    """A run that is repeated in a period, with sleep for the rest of it.

    Attributes:
        period_s: Seconds from one start to the next.
        active_share: The part of the period in which the board runs.
        sleep: Name of the sleep mode, or the current that was given instead.
        sleep_current_ua: Supply current asleep.
        energy_uj: Energy of a period.
        average_current_ma: Supply current, averaged over a period.
        battery_mah: Capacity of the battery; null without one.
        self_discharge_per_year: The part of its capacity that it loses by itself in a year.
        life_days: How long it lasts; null without a battery.
    """

    period_s: Annotated[float, Field(gt=0)]
    active_share: Annotated[float, Field(ge=0, le=1)]
    sleep: str
    sleep_current_ua: Interval
    energy_uj: Interval
    average_current_ma: Interval
    battery_mah: Annotated[float, Field(gt=0)] | None = None
    self_discharge_per_year: Annotated[float, Field(ge=0, le=1)] = 0.0
    life_days: Interval | None = None


class Exit(_Model):
    """How a run ended; ``code`` is the program's own where it gave one."""

    reason: ExitReason
    code: int | None = None


class FunctionCost(_Model):
    """The cost of one function.

    Attributes:
        name: Symbol, or an address in hexadecimal where there is none.
        calls: How often it was entered by a call.
        exclusive_cycles: Cycles in the function itself.
        inclusive_cycles: Those and the cycles of what it called.
        instructions: Instructions executed in the function itself.
    """

    name: str
    calls: Count
    exclusive_cycles: Count
    inclusive_cycles: Count
    instructions: Count


class ModelError(_Model):
    """How far estimates for a core lie from cycles measured on silicon.

    Attributes:
        figures: How many measured figures they were held against.
        mean_percent: Mean of the absolute errors, in percent of what silicon took.
        worst_percent: The largest absolute error.
        bias_percent: Mean of the signed errors; negative where estimates are too low.
        suites: What was measured.
        reports: Results of ``thumbclock validate`` that show each figure.
    """

    figures: Annotated[int, Field(gt=0)]
    mean_percent: Annotated[float, Field(ge=0)]
    worst_percent: Annotated[float, Field(ge=0)]
    bias_percent: float
    suites: tuple[str, ...]
    reports: tuple[str, ...]


class ModelStatement(_Model):
    """What priced the run.

    Attributes:
        version: Version of thumbclock.
        core: Name of the core profile.
        accuracy: How close estimates for this core come to silicon.
        error: The same as numbers; null for a core that was not validated.
        not_modelled: What the core and the board do that is not priced.
    """

    version: str
    core: str
    accuracy: str
    error: ModelError | None = None
    not_modelled: tuple[str, ...] = ()


class FaultReport(_Model):
    """Where and why the simulated program faulted.

    Attributes:
        kind: e.g. ``BusFault``, ``UsageFault``, ``unaligned``.
        message: What happened, for a reader.
        address: Address of the instruction.
        function: Symbol that holds it, if one does.
        source: File and line, if the image says.
        registers: Register name -> value.
        last_calls: The functions on the way there, innermost last.
    """

    kind: str
    message: str
    address: Address
    function: str | None = None
    source: str | None = None
    registers: dict[str, Address] = {}
    last_calls: tuple[str, ...] = ()


class Block(_Model):
    """A basic block: where it is, how often it ran and what it cost in all.

    ``line`` is ``file:line`` of its first instruction, where the image says.
    """

    address: Address
    bytes: Count
    count: Count
    cycles: Count
    stalls: dict[str, Count] = {}
    line: str | None = None


class Call(_Model):
    """An edge of the call graph, with the cycles spent below it."""

    caller: str
    callee: str
    calls: Count
    cycles: Count


class Layer(_Model):
    """A layer of a network and its share of the run."""

    name: str
    operator: str
    cycles: Count
    instructions: Count
    energy_uj: Annotated[float, Field(ge=0)] | None = None
    macs: Count | None = None


class MemoryPlanEntry(_Model):
    """A buffer in a planned memory, alive from its first to its last layer (both included)."""

    name: str
    memory: str
    offset_bytes: Count
    size_bytes: Count
    first_layer: Count
    last_layer: Count


class TimelineSample(_Model):
    """An event on the time axis of the run: a function is entered or left."""

    cycle: Count
    event: Literal["enter", "leave"]
    function: str


class RunResult(_Model):
    """The result of one run, as ``--json`` writes it (``thumbclock.run/1``).

    Attributes:
        schema_id: Schema and version; ``schema`` in JSON.
        image: The program.
        profile: Name of the board profile.
        toolchain: What built it; null for an image that was brought along.
        clock_hz: CPU clock that the board ran at.
        supply_v: Supply voltage; null where the profile has no electrical figures.
        caches: Names of the caches and accelerators that were enabled.
        cache_misses: Lines that each of them had to fetch while the core waited.
        cycles: Estimated CPU cycles.
        instructions: Instructions executed.
        time_us: Cycles over clock, in microseconds.
        energy_uj: Energy with its interval; null where the profile has no electrical figures.
        stack_bytes: Deepest use of the stack; null where it was not watched.
        ram_bytes: RAM that the image occupies without its stack.
        flash_bytes: Flash that the image occupies.
        exit: How the run ended.
        functions: Cost of each function.
        stalls: Reason -> cycles lost to it.
        mix: Instruction class -> count.
        model: What priced the run.
        placement: Role -> memory, where thumbclock placed the program.
        duty_cycle: Average current and battery life, where a period was given.
        fault: Present where the program faulted.
        blocks: Present where asked for, as are the fields after it.
        calls: Edges of the call graph.
        layers: Layers of a network.
        memory_plan: Buffers of a network.
        timeline: Functions entered and left over time.
    """

    optional: ClassVar[frozenset[str]] = frozenset(
        {
            "placement",
            "duty_cycle",
            "fault",
            "blocks",
            "calls",
            "layers",
            "memory_plan",
            "timeline",
        }
    )

    schema_id: Literal["thumbclock.run/1"] = Field(
        default="thumbclock.run/1", validation_alias="schema", serialization_alias="schema"
    )
    image: Image
    profile: str
    toolchain: Toolchain | None
    clock_hz: Annotated[int, Field(gt=0)]
    supply_v: Annotated[float, Field(gt=0)] | None = None
    caches: tuple[str, ...] = ()
    cache_misses: dict[str, Count] = Field(default_factory=dict)
    cycles: Count
    instructions: Count
    time_us: Annotated[float, Field(ge=0)]
    energy_uj: EnergyUj | None
    stack_bytes: Count | None
    ram_bytes: Count
    flash_bytes: Count
    exit: Exit
    functions: tuple[FunctionCost, ...]
    stalls: dict[str, Count]
    mix: dict[str, Count]
    model: ModelStatement
    placement: dict[str, str] | None = None
    duty_cycle: DutyCycle | None = None
    fault: FaultReport | None = None
    blocks: tuple[Block, ...] | None = None
    calls: tuple[Call, ...] | None = None
    layers: tuple[Layer, ...] | None = None
    memory_plan: tuple[MemoryPlanEntry, ...] | None = None
    timeline: tuple[TimelineSample, ...] | None = None

    @model_serializer(mode="wrap")
    def _leave_out_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = handler(self)
        return {
            name: value
            for name, value in document.items()
            if value is not None or name not in self.optional
        }

    def since(self, before: Self) -> Self:
        """Return the share of a run that came after an earlier result of the same machine.

        Where a run stands on the stack is not a sum: its deepest use stays that of the whole.
        """
        cycles = self.cycles - before.cycles
        share = cycles / self.cycles if self.cycles else 0.0
        energy = self.energy_uj and EnergyUj(
            typical=self.energy_uj.typical * share,
            low=self.energy_uj.low * share,
            high=self.energy_uj.high * share,
            basis=self.energy_uj.basis,
        )
        return self.model_copy(
            update={
                "cycles": cycles,
                "instructions": self.instructions - before.instructions,
                "time_us": cycles / self.clock_hz * 1e6,
                "energy_uj": energy,
                "functions": _less_functions(self.functions, before.functions),
                "cache_misses": _less(self.cache_misses, before.cache_misses, keep=True),
                "stalls": _less(self.stalls, before.stalls),
                "mix": _less(self.mix, before.mix),
            }
        )


def waiting_cycles(stalls: Mapping[str, int]) -> int:
    """Return the cycles in which the core waited for a memory, from the stalls of a run."""
    return sum(cycles for reason, cycles in stalls.items() if reason in _WAITING_STALLS)


def _less(after: dict[str, int], before: dict[str, int], *, keep: bool = False) -> dict[str, int]:
    """Return what counts gained; names that gained nothing only where they are to be kept."""
    rest = {name: count - before.get(name, 0) for name, count in after.items()}
    return {name: count for name, count in rest.items() if count or keep}


def _less_functions(
    after: tuple[FunctionCost, ...], before: tuple[FunctionCost, ...]
) -> tuple[FunctionCost, ...]:
    sums: dict[str, list[int]] = {}  # static functions of several files can share a name
    for sign, costs in ((1, after), (-1, before)):
        for cost in costs:
            row = sums.setdefault(cost.name, [0, 0, 0, 0])
            row[0] += sign * cost.calls
            row[1] += sign * cost.exclusive_cycles
            row[2] += sign * cost.inclusive_cycles
            row[3] += sign * cost.instructions
    rest = [
        FunctionCost(
            name=name,
            calls=calls,
            exclusive_cycles=exclusive,
            inclusive_cycles=inclusive,
            instructions=instructions,
        )
        for name, (calls, exclusive, inclusive, instructions) in sums.items()
        if calls or instructions
    ]
    return tuple(sorted(rest, key=lambda cost: (-cost.exclusive_cycles, cost.name)))


class Precision(_Model):
    """Bits of a kernel's weights, 0 where it has none, and of its activations."""

    weights: Annotated[int, Field(ge=0, le=32)]
    activations: Annotated[int, Field(ge=1, le=32)]


class Mismatch(_Model):
    """An output element that differs from the reference."""

    index: tuple[Count, ...]
    expected: int
    actual: int


class KernelResult(_Model):
    """A kernel that was built, run, checked and priced (``thumbclock.kernel/1``).

    Attributes:
        schema_id: Schema and version; ``schema`` in JSON.
        operator: e.g. ``conv``.
        title: Operator and shape for a reader.
        precision: Bits of weights and activations.
        shape: Dimension name -> extent, strides and padding included.
        options: What else distinguishes the kernel, e.g. ``skip`` or its implementation.
        macs: Multiply-accumulates of the operator as specified, skipped ones included.
        mac_per_cycle: Those per estimated cycle.
        outputs: How many elements the output has.
        checked: Whether every output was compared with the reference, bit for bit.
        mismatch_count: How many outputs differed.
        mismatches: The first of them.
        run: The priced run.
    """

    schema_id: Literal["thumbclock.kernel/1"] = Field(
        default="thumbclock.kernel/1", validation_alias="schema", serialization_alias="schema"
    )
    operator: str
    title: str = ""
    precision: Precision
    shape: dict[str, Count]
    options: dict[str, bool | int | float | str] = {}
    macs: Count
    mac_per_cycle: Annotated[float, Field(ge=0)]
    outputs: Count = 0
    checked: bool
    mismatch_count: Count = 0
    mismatches: tuple[Mismatch, ...] = ()
    run: RunResult


class CompareFailure(_Model):
    """A kernel that could not be measured.

    Attributes:
        kind: It does not fit a memory, its check failed, or it faulted.
        implementation: Name of the kernel, as in a row's options.
        profile: Name of the board profile.
        placement: Role -> memory.
        reason: What happened, for a reader.
    """

    kind: Literal["does not fit", "check", "fault"]
    implementation: str
    profile: str
    placement: dict[str, str]
    reason: str


class CompareResult(_Model):
    """Kernels side by side (``thumbclock.compare/1``).

    Attributes:
        schema_id: Schema and version; ``schema`` in JSON.
        title: What is compared.
        rows: One result for each precision, profile or placement.
        failures: What could not be measured.
        baseline: Index of the row that the others are held against.
    """

    schema_id: Literal["thumbclock.compare/1"] = Field(
        default="thumbclock.compare/1", validation_alias="schema", serialization_alias="schema"
    )
    title: str
    rows: tuple[KernelResult, ...]
    failures: tuple[CompareFailure, ...] = ()
    baseline: Count = 0


class LayerRow(_Model):
    """A layer in one precision on one board, beside what others need for it.

    Attributes:
        layer: Its name in the file of layers.
        operator: e.g. ``conv``.
        group: What is averaged together, e.g. ``1x1``.
        implementation: Name of the kernel.
        profile: Name of the board profile.
        placement: Role -> memory.
        apart: Whether its code or weights lie elsewhere than the board's default, where they do
            not fit; such rows are in no mean.
        cycles: Of the warm call.
        macs: Multiply-accumulates of the layer.
        outputs_differ: How many outputs differ from the reference.
        weights: How many weights the layer has; 0 where it has none.
        weight_bytes: Packed weights with their padding, or the code that stands for them.
        scratch_bytes: What the kernel needs beside input and output.
        baseline_cycles: Baseline -> cycles of the same layer.
    """

    layer: str
    operator: str
    group: str
    implementation: str
    profile: str
    placement: dict[str, str]
    apart: bool
    cycles: Count
    macs: Count
    outputs_differ: Count
    weights: Count
    weight_bytes: Count
    scratch_bytes: Count
    baseline_cycles: dict[str, Count]


class LayerMean(_Model):
    """A row of the table: what a kernel needs over the layers of its groups.

    Attributes:
        kernel: Name of the row.
        profile: Name of the board profile.
        layers: How many layers it covers.
        mac_per_cycle: All their products per all their cycles.
        ratios: Baseline -> geometric mean of cycles by its cycles.
        wanted: The ratio to the first baseline that is aimed at.
    """

    kernel: str
    profile: str
    layers: Annotated[int, Field(ge=1)]
    mac_per_cycle: Annotated[float, Field(ge=0)]
    ratios: dict[str, Annotated[float, Field(gt=0)]]
    wanted: Annotated[float, Field(gt=0)] | None = None


class LayersResult(_Model):
    """Kernels on the layers of published networks (``thumbclock.layers/1``).

    Attributes:
        schema_id: Schema and version; ``schema`` in JSON.
        title: What is measured.
        version: Of thumbclock.
        toolchain: The compiler.
        baselines: Name -> what was measured how and when.
        rows: One for each layer, precision and board.
        means: The table of kernels.
    """

    schema_id: Literal["thumbclock.layers/1"] = Field(
        default="thumbclock.layers/1", validation_alias="schema", serialization_alias="schema"
    )
    title: str
    version: str
    toolchain: Toolchain
    baselines: dict[str, str]
    rows: tuple[LayerRow, ...]
    means: tuple[LayerMean, ...]


class UnrollOption(_Model):
    """A kernel that a layer may have.

    Attributes:
        implementation: Name of the kernel.
        cycles: Of the warm call.
        code_bytes: Code that is emitted for the layer; 0 of kernels that loop.
        weight_bytes: Packed weights; 0 where they are constants in code.
        outputs_differ: How many outputs differ from the reference.
    """

    implementation: str
    cycles: Count
    code_bytes: Count
    weight_bytes: Count
    outputs_differ: Count


class UnrollRow(_Model):
    """A layer, its kernels and which of them is chosen.

    Attributes:
        layer: Its name.
        options: The kernels that fit.
        chosen: Index of the one to take.
    """

    layer: str
    options: Annotated[tuple[UnrollOption, ...], Field(min_length=1)]
    chosen: Count


class UnrollResult(_Model):
    """Which layers to unroll within a budget of code memory (``thumbclock.unroll/1``).

    Attributes:
        schema_id: Schema and version; ``schema`` in JSON.
        title: What is measured.
        version: Of thumbclock.
        toolchain: The compiler.
        profile: Name of the board profile.
        placement: Role -> memory.
        budget_bytes: Most bytes of emitted code.
        rows: The layers.
    """

    schema_id: Literal["thumbclock.unroll/1"] = Field(
        default="thumbclock.unroll/1", validation_alias="schema", serialization_alias="schema"
    )
    title: str
    version: str
    toolchain: Toolchain
    profile: str
    placement: dict[str, str]
    budget_bytes: Count
    rows: tuple[UnrollRow, ...]


class NumberRecord(_Model):
    """A number of a profile, with its dotted name and all that `Quantity` says."""

    name: str
    value: bool | int | float
    unit: str
    low: int | float | None
    high: int | float | None
    source: str
    kind: str
    note: str


class ProfileRecord(_Model):
    """A board with its core, as ``thumbclock profiles`` lists it."""

    name: str
    title: str
    summary: str
    core: str
    fpu: str | None
    accuracy: str
    clock_hz: Annotated[int, Field(gt=0)]
    placement: dict[str, str]
    not_modelled: tuple[str, ...]
    numbers: tuple[NumberRecord, ...]
    sources: dict[str, str]


class ProfilesResult(_Model):
    """Profiles with every number they hold (``thumbclock.profiles/1``)."""

    schema_id: Literal["thumbclock.profiles/1"] = Field(
        default="thumbclock.profiles/1", validation_alias="schema", serialization_alias="schema"
    )
    profiles: tuple[ProfileRecord, ...]


class ValidationRow(_Model):
    """An estimate held against a figure measured on silicon, or why there is none.

    Attributes:
        name: Name of the row.
        group: What its error is counted with, e.g. the core.
        image: The program.
        minus_image: The program whose cycles are subtracted, where it is another one.
        profile: Name of the board profile.
        core: Name of the core profile.
        profile_sha256: Digest of the files that hold the profile's and its core's numbers.
        clock_hz: CPU clock that the board ran at.
        supply_v: Supply voltage; null where the profile has no electrical figures.
        caches: Names of the caches and accelerators that were enabled.
        version: Version of thumbclock.
        region: What is measured, in the words of a figures file: region, set, minus and per.
        measured_cycles: What silicon took.
        estimated_cycles: The estimate; null where the program faulted.
        error_percent: Estimate over measurement, less one, in percent.
        tolerance: What the row allows, as the file states it.
        within_tolerance: Whether the estimate does; null without a tolerance or an estimate.
        source: Who measured it.
        note: What a reader needs to judge it.
        failure: Why there is no estimate.
    """

    name: str
    group: str
    image: Image
    minus_image: Image | None = None
    profile: str
    core: str
    profile_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    clock_hz: Annotated[int, Field(gt=0)]
    supply_v: Annotated[float, Field(gt=0)] | None = None
    caches: tuple[str, ...] = ()
    version: str
    region: str
    measured_cycles: Annotated[float, Field(gt=0)]
    estimated_cycles: float | None
    error_percent: float | None
    tolerance: str | None = None
    within_tolerance: bool | None = None
    source: str
    note: str = ""
    failure: str | None = None


class ErrorStatistics(_Model):
    """The errors of several rows together.

    Attributes:
        group: What the rows have in common.
        rows: How many have an estimate.
        mean_percent: Mean of the absolute errors.
        worst_percent: The largest absolute error.
        worst_row: Name of the row that has it.
        bias_percent: Mean of the signed errors.
    """

    group: str
    rows: Annotated[int, Field(gt=0)]
    mean_percent: Annotated[float, Field(ge=0)]
    worst_percent: Annotated[float, Field(ge=0)]
    worst_row: str
    bias_percent: float


class ValidationResult(_Model):
    """Estimates against measured cycles (``thumbclock.validation/1``).

    Attributes:
        schema_id: Schema and version; ``schema`` in JSON.
        title: What was measured.
        suite: The program or benchmark that the rows belong to.
        complete: Whether every row of the figures file was tried.
        rows: In the order of the file.
        groups: The errors of each group that has an estimate.
        overall: The errors of all rows; null where no row has an estimate.
        sources: Citation of each source tag that the rows use.
    """

    schema_id: Literal["thumbclock.validation/1"] = Field(
        default="thumbclock.validation/1", validation_alias="schema", serialization_alias="schema"
    )
    title: str
    suite: str
    complete: bool
    rows: tuple[ValidationRow, ...]
    groups: tuple[ErrorStatistics, ...]
    overall: ErrorStatistics | None
    sources: dict[str, str]


class IssuedCycle(_Model):
    """What issues in one cycle of a loop.

    Attributes:
        cycle: Counted from the start of the iteration.
        instructions: Those that issue together, the older one first.
        stalls: Reason -> cycles for which nothing could issue before.
    """

    cycle: int
    instructions: tuple[str, ...]
    stalls: dict[str, Count] = {}


class ScheduleTarget(_Model):
    """What a loop costs on one profile, in cycles per iteration of its steady state.

    Attributes:
        profile: Name of the board profile.
        weight: What a cycle on it counted in the search.
        before_cycles: In the order of the source.
        after_cycles: In the order that was found.
        floor_cycles: What no order goes below.
        issue: One iteration in the order that was found.
    """

    profile: str
    weight: Annotated[int, Field(gt=0)]
    before_cycles: Annotated[float, Field(gt=0)]
    after_cycles: Annotated[float, Field(gt=0)]
    floor_cycles: Count
    issue: tuple[IssuedCycle, ...]


class ScheduleResult(_Model):
    """An order of the instructions of a loop (``thumbclock.schedule/1``).

    Attributes:
        schema_id: Schema and version; ``schema`` in JSON.
        source: Name of the assembly file.
        label: Where the loop begins.
        toolchain: What assembled it.
        seed: Of the search.
        steps: Orders that were tried.
        interrupted: Whether the search was stopped before its end.
        changed: Whether the order differs from that of the source.
        targets: Cycles by profile.
        assembly: The instructions in the order that was found, without the branch back.
        labels: Labels in the middle, each with the index of the instruction behind it.
    """

    schema_id: Literal["thumbclock.schedule/1"] = Field(
        default="thumbclock.schedule/1", validation_alias="schema", serialization_alias="schema"
    )
    source: str
    label: str
    toolchain: Toolchain
    seed: Count
    steps: Count
    interrupted: bool
    changed: bool
    targets: tuple[ScheduleTarget, ...]
    assembly: tuple[str, ...]
    labels: dict[str, Count] = {}


Result: TypeAlias = (
    RunResult
    | KernelResult
    | CompareResult
    | LayersResult
    | UnrollResult
    | ProfilesResult
    | ValidationResult
    | ScheduleResult
)
"""Whatever ``--json`` writes."""

_MODELS: dict[
    str,
    type[
        RunResult
        | KernelResult
        | CompareResult
        | LayersResult
        | UnrollResult
        | ProfilesResult
        | ValidationResult
        | ScheduleResult
    ],
] = {
    "thumbclock.run/1": RunResult,
    "thumbclock.kernel/1": KernelResult,
    "thumbclock.compare/1": CompareResult,
    "thumbclock.layers/1": LayersResult,
    "thumbclock.unroll/1": UnrollResult,
    "thumbclock.profiles/1": ProfilesResult,
    "thumbclock.validation/1": ValidationResult,
    "thumbclock.schedule/1": ScheduleResult,
}


def write_result(result: Result, path: str | Path, *, force: bool = False) -> None:
    """Write a result as JSON, whole or not at all.

    Args:
        result: What to write.
        path: Where to. A file there is replaced if it is empty or a result of thumbclock; a device
            such as ``/dev/stdout`` is written to.
        force: Replace any file.

    Raises:
        UsageError: The path holds something else, is a folder, or cannot be written.
    """
    text = result.model_dump_json(by_alias=True, indent=2) + "\n"
    target = Path(path)
    try:
        # A link stays a link: what it points to is replaced.
        target = target.resolve()
        if _is_ours_to_replace(target, force=force):
            _replace(target, text)
        else:
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None


def _is_ours_to_replace(path: Path, *, force: bool) -> bool:
    """Return false for a device, which is written in place; raise where nothing may be written."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}") from None
        return True
    if stat.S_ISDIR(mode):
        raise UsageError(f"cannot write {path}: it is a folder; give the name of a file in it")
    if not stat.S_ISREG(mode):
        return False
    if not (force or path.stat().st_size == 0 or _schema_of(path) is not None):
        raise UsageError(
            f"{path} exists and is no JSON result of thumbclock, so it is left alone; give another "
            "name or remove it first"
        )
    return True


def _schema_of(path: Path) -> str | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    schema = document.get("schema") if isinstance(document, dict) else None
    return schema if isinstance(schema, str) and schema.startswith("thumbclock.") else None


def _replace(path: Path, text: str) -> None:
    """Write beside the target and rename, so that no reader meets half a file."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_result(path: str | Path) -> Result:
    """Read a JSON result of any kind.

    Raises:
        UsageError: The file cannot be read, is no result, or is of a version not known here.
    """
    document = _read_json(Path(path))
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, str) or schema not in _MODELS:
        known = ", ".join(_MODELS)
        found = f"its schema is {schema!r}" if schema is not None else "it names no schema"
        hint = ""
        if isinstance(schema, str) and schema.startswith("thumbclock."):
            hint = "; it was written by another version of thumbclock"
        raise UsageError(f"{path} is no result that can be read: {found}, not {known}{hint}")
    try:
        return _MODELS[schema].model_validate(document)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise UsageError(
            f"{path} is not a valid {schema}: {where}: {problem['msg']} "
            f"({error.error_count()} in all); write it again with thumbclock"
        ) from None


def _read_json(path: Path) -> object:
    try:
        document: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    return document


def json_schemas() -> dict[str, dict[str, Any]]:
    """Return file name -> JSON schema of every result."""
    schemas = {}
    for identifier, model in _MODELS.items():
        schema = model.model_json_schema(by_alias=True, mode="validation")
        # The models fill it in when they are built, but a document without it cannot be told.
        schema["required"] = ["schema", *schema["required"]]
        name = identifier.removeprefix("thumbclock.").replace("/", "-")
        schemas[f"{name}.json"] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **schema,
        }
    return schemas


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into a folder and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, schema in json_schemas().items():
        path = folder / name
        path.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write_schemas(Path(__file__).with_name("schemas")):
        sys.stdout.write(f"{written}\n")
