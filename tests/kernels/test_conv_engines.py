"""Both engines price every kernel alike."""

import pytest

from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.image import task_image
from thumbclock.kernels.precision import PRECISIONS
from thumbclock.machine import Machine
from thumbclock.profiles import load_profile
from thumbclock.toolchain import build


@pytest.mark.parametrize("profile_name", ["ideal-m7", "ideal-m4", "nucleo-h743zi"])
@pytest.mark.parametrize("precision", [*PRECISIONS[:6], "w8a8-skip40"])
def test_engines_agree_on_kernel(precision: str, profile_name: str) -> None:
    """Cycles, instructions, stalls and per-function sums are those of the reference engine."""
    spec = ConvSpec.parse("5x4x18-5", kernel="3x2", stride="1", precision=precision)
    profile = load_profile(profile_name)
    elf = build(task_image(random_layer(spec, seed=3).task(profile.core), profile)).elf
    results = []
    for engine in ("memoised", "stepped"):
        machine = Machine(elf, profile, engine=engine)  # type: ignore[arg-type]
        machine.start("tc_ready")
        calls = [machine.call("tc_kernel") for _ in range(2)]
        results.append((calls, machine.result()))
    assert results[0] == results[1]
