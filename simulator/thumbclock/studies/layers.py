"""Kernels on the layers of published networks, beside what other libraries need for them.

A file of layers is TOML: ``title``; a table ``[baselines]`` of names and what was measured how;
``[[layers]]`` with what ``thumbclock kernel`` takes as options, the precisions to measure and the
cycles of each baseline by board; and ``[[means]]``, the rows of the table that sums them up.
"""

import math
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import thumbclock
from thumbclock.errors import UsageError
from thumbclock.kernels.measure import measure
from thumbclock.kernels.operators import parse_spec
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision, parse_precision
from thumbclock.kernels.task import KernelSpec
from thumbclock.profiles import Placement, Profile, load_profile, parse_placement
from thumbclock.result import KernelResult, LayerMean, LayerRow, LayersResult
from thumbclock.result import Toolchain as ToolchainRecord
from thumbclock.toolchain import MemoryOverflowError, Toolchain

__all__ = [
    "LayerFile",
    "Measurement",
    "layer_specs",
    "measure_layer",
    "measurements",
    "read_layers",
    "summarise",
]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Layer(_Model):
    """A layer and what others need for it."""

    name: str
    operator: str = "conv"
    group: str
    shape: str
    kernel: str | None = None
    stride: str | None = None
    padding: str | None = None
    precisions: Annotated[list[str], Field(min_length=1)]
    cycles: dict[str, dict[str, Annotated[int, Field(gt=0)]]] = {}


class _Mean(_Model):
    """A row of the table: which layers it averages."""

    kernel: str
    precision: str
    groups: Annotated[list[str], Field(min_length=1)]
    wanted: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}


class LayerFile(_Model):
    """What a file of layers says.

    Attributes:
        title: What is measured.
        profiles: Boards to measure on.
        baselines: Name -> what was measured how and when; the first is the one that counts.
        layers: The layers.
        means: The rows of the table.
    """

    title: str
    profiles: Annotated[list[str], Field(min_length=1)]
    baselines: dict[str, str]
    layers: Annotated[list[_Layer], Field(min_length=1)]
    means: list[_Mean] = []


def read_layers(path: Path) -> LayerFile:
    """Read a file of layers.

    Raises:
        UsageError: It cannot be read, or is not valid.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}; give a TOML file of layers") from None
    try:
        file = LayerFile.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg']}; {error.error_count()} in all") from None
    for layer in file.layers:
        if strange := layer.cycles.keys() - file.baselines.keys():
            raise UsageError(
                f"{path}: layer {layer.name}: cycles of {', '.join(sorted(strange))}; expected "
                f"one of [baselines]: {', '.join(file.baselines)}"
            )
    return file


@dataclass(frozen=True)
class Measurement:
    """One kernel to measure: a layer in a precision on a board."""

    layer: _Layer
    spec: KernelSpec
    profile: Profile

    @property
    def name(self) -> str:
        """Layer, precision and board for a reader."""
        return f"{self.layer.name} {self.spec.precision.name} {self.profile.name}"


def measurements(file: LayerFile) -> list[Measurement]:
    """Return what a file asks for, board by board.

    Raises:
        UsageError: A board, operator, precision or shape is not there.
    """
    boards = [load_profile(name) for name in file.profiles]
    return [
        Measurement(layer, _spec(layer, parse_precision(precision)), board)
        for board in boards
        for layer in file.layers
        for precision in layer.precisions
    ]


def layer_specs(
    file: LayerFile, precisions: Sequence[Precision], match: str = ""
) -> dict[str, list[KernelSpec]]:
    """Return the layers whose name contains ``match``, each in the given precisions.

    Raises:
        UsageError: An operator or shape is not there.
    """
    return {
        layer.name: [_spec(layer, precision) for precision in precisions]
        for layer in file.layers
        if match in layer.name
    }


def _spec(layer: _Layer, precision: Precision) -> KernelSpec:
    options = KernelOptions(precision, layer.shape, layer.kernel, layer.stride, layer.padding)
    return parse_spec(layer.operator, options)


def measure_layer(item: Measurement, toolchain: Toolchain) -> LayerRow:
    """Measure one kernel where the board has it by default, or from flash what does not fit there.

    Raises:
        UsageError: It fits nowhere.
    """
    board = item.profile.board
    placement, apart = board.default_placement, False
    try:
        result = measure(item.spec, item.profile, placement, toolchain)
    except MemoryOverflowError as error:
        role = "code" if error.memory == placement.code.name else "weights"
        placement, apart = parse_placement(f"{role}=flash", board), True
        result = measure(item.spec, item.profile, placement, toolchain)
    return _row(item, result, placement, apart=apart)


def _row(item: Measurement, result: KernelResult, placement: Placement, *, apart: bool) -> LayerRow:
    weights = result.options.get("emitted_code_bytes") or result.options.get("weight_bytes") or 0
    board = item.profile.name
    return LayerRow(
        layer=item.layer.name,
        operator=result.operator,
        group=item.layer.group,
        implementation=item.spec.precision.name,
        profile=board,
        placement=placement.names(),
        apart=apart,
        cycles=result.run.cycles,
        macs=result.macs,
        outputs_differ=result.mismatch_count,
        weights=int(result.options.get("weight_count", 0)),
        weight_bytes=int(weights),
        scratch_bytes=int(result.options["scratch_bytes"]),
        baseline_cycles={
            name: cycles[board] for name, cycles in item.layer.cycles.items() if board in cycles
        },
    )


def summarise(file: LayerFile, rows: Sequence[LayerRow], toolchain: Toolchain) -> LayersResult:
    """Return the result of a file: its rows and their means."""
    return LayersResult(
        title=file.title,
        version=thumbclock.__version__,
        toolchain=ToolchainRecord(
            name=toolchain.info.name,
            version=toolchain.info.version,
            flags=("-O3", *toolchain.info.flags),
        ),
        baselines=file.baselines,
        rows=tuple(rows),
        means=tuple(_means(file, rows)),
    )


def _means(file: LayerFile, rows: Sequence[LayerRow]) -> Iterator[LayerMean]:
    elsewhere = {(row.layer, row.implementation) for row in rows if row.apart}
    for mean in file.means:
        for profile in file.profiles:
            # The same layers on every board: what lies elsewhere on one is in no mean.
            chosen = [
                row
                for row in rows
                if (row.profile, row.implementation) == (profile, mean.precision)
                and row.group in mean.groups
                and (row.layer, row.implementation) not in elsewhere
            ]
            if chosen:
                yield _mean(mean, profile, chosen, file.baselines)


def _mean(
    mean: _Mean, profile: str, rows: Sequence[LayerRow], baselines: dict[str, str]
) -> LayerMean:
    ratios = {}
    for name in baselines:
        logs = [
            math.log(r.cycles / r.baseline_cycles[name]) for r in rows if name in r.baseline_cycles
        ]
        if logs:
            ratios[name] = math.exp(math.fsum(logs) / len(logs))
    return LayerMean(
        kernel=mean.kernel,
        profile=profile,
        layers=len(rows),
        mac_per_cycle=sum(row.macs for row in rows) / sum(row.cycles for row in rows),
        ratios=ratios,
        wanted=mean.wanted.get(profile),
    )
