"""Measurement end to end: a built image on a simulated board, checked and priced."""

import numpy as np
import pytest

import thumbclock.kernels.measure
from thumbclock.errors import CheckFailed
from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.lines import lines_of
from thumbclock.kernels.conv.packing import scratch_bytes
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.image import Zone, zones
from thumbclock.kernels.measure import measure
from thumbclock.kernels.task import IntArray, Task
from thumbclock.profiles import load_profile, parse_placement
from thumbclock.result import KernelResult


@pytest.mark.parametrize("precision", ["w8a8", "w4a8", "w4a4", "w2a2", "w1a1", "w8a8-skip50"])
@pytest.mark.parametrize("profile", ["ideal-m7", "nucleo-l4r5zi"])
def test_measures_what_it_checked(precision: str, profile: str) -> None:
    """Every output equals the reference's, and the warm call has a cost that adds up."""
    spec = ConvSpec.parse("6x6x16-8", precision=precision)
    result = measure(spec, profile)
    assert result.checked
    assert result.mismatch_count == 0
    assert result.mismatches == ()
    run = result.run
    assert result.mac_per_cycle == spec.macs / run.cycles
    assert sum(cost.exclusive_cycles for cost in run.functions) == run.cycles
    assert sum(cost.instructions for cost in run.functions) == run.instructions
    assert sum(run.mix.values()) == run.instructions
    unrolled = spec.precision.unrolled
    scratch = lines_of(spec).scratch_bytes if unrolled else scratch_bytes(spec)
    assert result.options["scratch_bytes"] == scratch
    assert KernelResult.model_validate_json(result.model_dump_json(by_alias=True)) == result


def test_counts_outputs_that_differ() -> None:
    """A layer whose reference expects something else is told so, element by element."""
    spec = ConvSpec.parse("4x4x4-4", precision="w8a8")
    layer = random_layer(spec)

    class Wrong(ConvLayer):
        """The layer with one expected output changed."""

        def expected(self) -> IntArray:
            """Return outputs of which one is off by one."""
            outputs = super().expected()
            outputs[1, 2, 3] ^= 1
            return outputs

    wrong = Wrong(spec, layer.inputs, layer.weights, layer.requantization)
    result = measure(spec, "ideal-m7", data=wrong)
    assert result.mismatch_count == 1
    assert result.mismatches[0].index == (1, 2, 3)
    assert result.mismatches[0].actual == result.mismatches[0].expected ^ 1


def test_notices_a_kernel_that_writes_too_far(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scratch that is stated too small shows as a broken guard."""

    def cut(task: Task) -> tuple[Zone, Zone]:
        output, scratch = zones(task)
        return output, Zone(scratch.symbol, scratch.size_bytes - 8)

    monkeypatch.setattr(thumbclock.kernels.measure, "zones", cut)
    with pytest.raises(CheckFailed, match="wrote behind tc_scratch"):
        measure(ConvSpec.parse("4x5x3-4", precision="w1a1", kernel="1"), "ideal-m7")


def test_unrolled_code_is_priced_where_it_lies() -> None:
    """Emitted code follows the code role, and its size is stated."""
    board = load_profile("nucleo-h743zi", caches="off")
    spec = ConvSpec.parse("4x4x8-4", precision="w8a8-unrolled")
    fast = measure(spec, board, parse_placement("code=itcm", board.board))
    slow = measure(spec, board, parse_placement("code=flash", board.board))
    assert fast.run.cycles < slow.run.cycles
    code_bytes = fast.options["emitted_code_bytes"]
    assert isinstance(code_bytes, int)
    assert 8 * np.prod(spec.weight_shape) < code_bytes < 20 * np.prod(spec.weight_shape)
