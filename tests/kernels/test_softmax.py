"""Softmax: the reference by its properties, the kernel bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_bench import check

from thumbclock.errors import UsageError
from thumbclock.kernels.measure import measure
from thumbclock.kernels.operators import parse_spec
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import parse_precision
from thumbclock.kernels.softmax.layer import SoftmaxLayer, SoftmaxSpec, random_layer
from thumbclock.kernels.softmax.reference import SoftmaxScale, exponentials, softmax

_SCALES = st.floats(1e-3, 2.0)


@st.composite
def layers(draw: st.DrawFn) -> SoftmaxLayer:
    """Draw a softmax of any scale, some of few distinct values."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 40))
    seed, spread = draw(st.integers(0, 999)), draw(st.sampled_from([0, 1, 5, 40, 127]))
    inputs = np.random.default_rng(seed).integers(-128, 128, (rows, columns))
    inputs = np.clip(inputs, -spread, spread) + draw(st.sampled_from([0, 0, -1]))
    scale = SoftmaxScale.of(draw(_SCALES), draw(st.sampled_from([1.0, 0.5, 3.0])))
    return SoftmaxLayer(SoftmaxSpec(rows, columns), inputs, scale)


@pytest.mark.parametrize(
    ("toolchain", "profile"),
    [
        ("zig", "ideal-m7"),
        pytest.param("gcc", "ideal-m7", marks=pytest.mark.needs_gcc),
        ("zig", "ideal-m3"),
        ("zig", "ideal-m0plus"),
    ],
)
@settings(max_examples=25, deadline=None)
@given(layer=layers())
def test_bit_exact(toolchain: str, profile: str, layer: SoftmaxLayer) -> None:
    """Outputs equal the reference's, and nothing else is touched."""
    check(layer, toolchain=toolchain, profile=profile)


@pytest.mark.parametrize("columns", [1, 2, 255, 256, 512, 1000, 1023])
@pytest.mark.parametrize("value", [-128, 127])
def test_equal_inputs(columns: int, value: int) -> None:
    """Rows of one value share evenly, up to the most columns."""
    layer = SoftmaxLayer(
        SoftmaxSpec(1, columns), np.full((1, columns), value), SoftmaxScale.of(0.1)
    )
    even = min(int(256 / columns + 0.5), 255) - 128
    assert (np.abs(softmax(layer.inputs, layer.scale) - even) <= 1).all()
    check(layer)


@given(layers())
def test_close_to_real_softmax(layer: SoftmaxLayer) -> None:
    """The reference is within one step of the real softmax, grows with its input, sums to 1."""
    scale = layer.scale.multiplier * 2.0 ** (layer.scale.left - 31 - 26)
    powers = np.exp(scale * (layer.inputs - layer.inputs.max(axis=1, keepdims=True)))
    real = 256 * powers / powers.sum(axis=1, keepdims=True)
    found = softmax(layer.inputs, layer.scale) + 128
    assert (np.abs(found - np.minimum(real, 255)) <= 1).all()
    assert (np.abs(found.sum(axis=1) - 256) <= layer.spec.columns).all()
    for inputs, outputs in zip(layer.inputs, found, strict=True):
        assert (np.diff(outputs[np.argsort(inputs, kind="stable")]) >= 0).all()


@given(_SCALES)
def test_exponentials(scale: float) -> None:
    """Exponentials are good to 2^-22, 1 at 0, and 0 where a difference no longer counts."""
    prepared = SoftmaxScale.of(scale)
    differences = np.arange(-255, 1)
    found = exponentials(differences, prepared)
    real = np.where(differences >= prepared.least, np.exp(scale * differences), 0.0)
    assert (np.abs(found / 2.0**31 - real) < 2.0**-22).all()
    assert found[-1] == (1 << 31) - 1
    assert (found[differences < prepared.least] == 0).all()


def test_measured() -> None:
    """Softmax is reached by name, states its table, and reads and writes its arrays alone."""
    result = measure(
        parse_spec("softmax", KernelOptions(shape="3x13")), "ideal-m4", check_memory=True
    )
    assert result.mismatch_count == 0
    assert result.options["table_bytes"] == 1024
    assert isinstance(random_layer(SoftmaxSpec(3, 13)), SoftmaxLayer)


@pytest.mark.parametrize(
    ("shape", "precision", "message"),
    [
        ("10", "w8a8", "ROWSxCOLUMNS"),
        ("1x1024", "w8a8", "1 to 1023"),
        ("0x10", "w8a8", "1 row"),
        ("1x" + "9" * 5000, "w8a8", "ROWSxCOLUMNS"),
        ("9000x1000", "w8a8", "at most"),
        ("1x10", "w8a4", "expected 8"),
    ],
)
def test_says_what_it_expects(shape: str, precision: str, message: str) -> None:
    """What has no softmax is refused with what was expected."""
    with pytest.raises(UsageError, match=message):
        parse_spec("softmax", KernelOptions(parse_precision(precision), shape))
