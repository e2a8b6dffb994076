"""Layers whose numbers no kernel can take: refused with one message before anything is built."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.layer import ConvLayer
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.operators import draw_layer, parse_spec
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.requantization import Int8Requantization
from thumbclock.profiles import load_profile

FOUR = np.zeros(4, np.int64)


def _layer(precision: str) -> ConvLayer:
    return random_layer(ConvSpec.parse("5x4x8-4", precision=precision))


def _refuses(layer: ConvLayer, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        layer.task(load_profile("ideal-m7").core)


@pytest.mark.parametrize("precision", ["w8a8", "w8a8-winograd", "w8a8-unrolled", "w4a4", "w1a2"])
def test_refuses_other_tensors(precision: str) -> None:
    """Shape, type and range are those of the specification, whatever kernel there is."""
    layer = _layer(precision)
    inputs, weights = layer.inputs, layer.weights
    _refuses(replace(layer, inputs=inputs[:, :-1]), r"inputs of shape \(5, 3, 8\)")
    _refuses(replace(layer, inputs=inputs.transpose(1, 0, 2)), r"expected \(5, 4, 8\)")
    _refuses(replace(layer, inputs=inputs + 0.5), "type float64; expected a numpy array of int64")
    _refuses(replace(layer, inputs=inputs + 300), r"inputs: found from")
    _refuses(replace(layer, weights=weights[:-1]), r"weights of shape \(3, 3, 3, 8\)")
    _refuses(replace(layer, weights=weights * 0 - 129), "found -129; expected -")
    _refuses(replace(layer, weights=weights.astype(np.int8)), "of type int8; expected")


@pytest.mark.parametrize(
    ("precision", "change", "said"),
    [
        ("w8a8", {"bias": FOUR[:3]}, r"bias of shape \(3,\); expected \(4,\)"),
        ("w8a8", {"bias": FOUR - (1 << 40)}, "bias: found -1099511627776"),
        ("w8a8", {"multiplier": FOUR + (1 << 31)}, "multiplier: found 2147483648"),
        ("w4a4", {"multiplier": FOUR - 1}, "multiplier: found -1; expected 0 to 2147483647"),
        ("w8a8", {"shift": FOUR + 62}, "shift: found 62; expected -31 to 30"),
        ("w8a8", {"shift": FOUR - 63}, "shift: found -63"),
        ("w8a8", {"shift": [0, 0, 0, 0]}, "shift of type list"),
        ("w8a8", {"output_offset": 1 << 31}, "output_offset: found"),
        ("w8a8", {"activation_max": 255}, "the activations: found from -128 to 255"),
        ("w8a8", {"activation_min": 5, "activation_max": -5}, "activation_min is 5"),
        ("w8a8", {"input_offset": 129}, "input_offset: found 129; expected -127 to 128"),
        ("w4a4", {"input_offset": 7}, "input_offset: found 7; expected 0"),
        ("w1a1", {"input_offset": 7}, "input_offset: found 7; expected 0"),
        ("w2a2", {"left": 64}, "left: found 64"),
        ("w8a8o2-thresholds", {"thresholds": FOUR[:, None] + [2, 1, 0]}, "descend"),
        ("w8a8o2-thresholds", {"thresholds": FOUR[:, None] + [0, 1]}, "of shape"),
        ("w1a1", {"falling": np.ones(3, np.bool_)}, r"falling of shape \(3,\)"),
    ],
)
def test_refuses_other_requantizations(precision: str, change: dict[str, Any], said: str) -> None:
    """Each number has its range, also where arithmetic of 64 bits would wrap around."""
    layer = _layer(precision)
    _refuses(replace(layer, requantization=replace(layer.requantization, **change)), said)


def test_refuses_thresholds_on_sums_beyond_32_bits() -> None:
    """131072 products of -128 by -128 are 2^31."""
    spec = ConvSpec.parse("1x1x131072-1", kernel="1", precision="w8a8o1")
    layer = random_layer(spec)
    layer = replace(layer, weights=np.full(spec.weight_shape, -128))
    layer = replace(layer, requantization=replace(layer.requantization, input_offset=0))
    _refuses(layer, "leave 32 bits")


def test_winograd_takes_sums_that_it_can_have_fourfold() -> None:
    """A bias that other kernels take is refused where four times it leaves 32 bits."""
    layer = _layer("w8a8-winograd")
    assert isinstance(layer.requantization, Int8Requantization)
    bias = FOUR + (1 << 29)
    large = replace(layer, requantization=replace(layer.requantization, bias=bias))
    _refuses(large, "sums below 536870912, as it has them fourfold; leave out -winograd")


@pytest.mark.parametrize(
    ("operator", "attribute"),
    [
        ("fc", "inputs"),
        ("fc", "weights"),
        ("maxpool", "inputs"),
        ("add", "second"),
        ("clamp", "inputs"),
        ("requantize", "inputs"),
        ("softmax", "inputs"),
    ],
)
def test_operators_refuse_foreign_arrays(operator: str, attribute: str) -> None:
    """Arrays of another shape or type, and values that do not fit, have no kernel."""
    layer: Any = draw_layer(parse_spec(operator, KernelOptions()))
    values = getattr(layer, attribute)
    for foreign in (values[:-1], values.astype(np.float64), values + 1000):
        with pytest.raises(UsageError, match=r"expected"):
            replace(layer, **{attribute: foreign}).task(load_profile("ideal-m4").core)


def test_movement_refuses_foreign_arrays() -> None:
    """Inputs are as many as the operator has, and a zero point is an int8."""
    layer: Any = draw_layer(parse_spec("concat", KernelOptions()))
    first, second = layer.inputs
    core = load_profile("ideal-m4").core
    for inputs in ((first,), (first, second[:1]), (first, second + 1000)):
        with pytest.raises(UsageError, match="expected"):
            replace(layer, inputs=inputs).task(core)
    with pytest.raises(UsageError, match="zero_point is 200"):
        replace(layer, zero_point=200).task(core)
