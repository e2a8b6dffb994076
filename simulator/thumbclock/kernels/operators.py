"""The operators that have kernels, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from thumbclock.errors import UsageError
from thumbclock.kernels.conv.data import random_layer as random_conv
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.depthwise.data import random_layer as random_depthwise
from thumbclock.kernels.depthwise.spec import DepthwiseSpec
from thumbclock.kernels.elementwise.data import random_binary, random_clamp, random_requantize
from thumbclock.kernels.elementwise.spec import ElementwiseSpec
from thumbclock.kernels.fully_connected.data import random_layer as random_fully_connected
from thumbclock.kernels.fully_connected.spec import FullyConnectedSpec
from thumbclock.kernels.movement.layer import random_layer as random_movement
from thumbclock.kernels.movement.spec import ConcatSpec, PadSpec, ReshapeSpec, TransposeSpec
from thumbclock.kernels.options import KernelOptions, check_options
from thumbclock.kernels.pooling.layer import random_layer as random_pool
from thumbclock.kernels.pooling.spec import PoolSpec
from thumbclock.kernels.precision import PRECISIONS, parse_precision
from thumbclock.kernels.softmax.layer import SoftmaxSpec
from thumbclock.kernels.softmax.layer import random_layer as random_softmax
from thumbclock.kernels.task import KernelSpec, Layer

__all__ = ["OPERATORS", "Operator", "draw_layer", "find_operator", "parse_spec"]


@dataclass(frozen=True)
class Operator:
    """An operator that kernels compute.

    Attributes:
        name: As users write it.
        summary: What it computes, in a line.
        taken: Options that it reads beside precision and shape; see `KernelOptions`.
        parse: From options to a specification.
        draw: From a specification and a seed to a layer with realistic numbers.
        precisions: Names of those that a comparison shows unless others are asked for, the
            baseline first.
    """

    name: str
    summary: str
    taken: frozenset[str]
    parse: Callable[[KernelOptions], KernelSpec]
    draw: Callable[[Any, int], Layer]
    precisions: tuple[str, ...] = ("w8a8", "w4a4", "w2a2", "w1a1")


_LOADED = tuple(name for name in PRECISIONS if not parse_precision(name).unrolled)
_WITHOUT_BINARY = ("w8a8", "w4a4", "w2a2")
_WINDOW = frozenset({"kernel", "stride", "padding", "activation"})

OPERATORS: dict[str, Operator] = {
    operator.name: operator
    for operator in (
        Operator(
            "conv",
            "2-D convolution",
            frozenset({"kernel", "stride", "padding", "dilation", "groups"}),
            ConvSpec.from_options,
            random_conv,
            PRECISIONS,
        ),
        Operator(
            "depthwise",
            "depthwise convolution, with a channel multiplier",
            frozenset({"kernel", "stride", "padding", "dilation"}),
            DepthwiseSpec.from_options,
            random_depthwise,
            PRECISIONS,
        ),
        Operator(
            "fc",
            "fully connected layer",
            frozenset(),
            FullyConnectedSpec.from_options,
            random_fully_connected,
            _LOADED,
        ),
        Operator(
            "maxpool",
            "greatest of each window",
            _WINDOW,
            PoolSpec.max_from_options,
            random_pool,
        ),
        Operator(
            "avgpool",
            "average of each window, padding excluded",
            _WINDOW,
            PoolSpec.average_from_options,
            random_pool,
        ),
        Operator(
            "globalmaxpool",
            "greatest over the image",
            frozenset({"activation"}),
            PoolSpec.global_max_from_options,
            random_pool,
        ),
        Operator(
            "globalavgpool",
            "average over the image",
            frozenset({"activation"}),
            PoolSpec.global_average_from_options,
            random_pool,
        ),
        Operator(
            "add",
            "sum of two images",
            frozenset({"activation"}),
            ElementwiseSpec.parser("add"),
            random_binary,
            _WITHOUT_BINARY,
        ),
        Operator(
            "mul",
            "product of two images, element by element",
            frozenset({"activation"}),
            ElementwiseSpec.parser("mul"),
            random_binary,
            _WITHOUT_BINARY,
        ),
        Operator(
            "clamp",
            "ReLU, ReLU6 or any range",
            frozenset({"activation"}),
            ElementwiseSpec.parser("clamp"),
            random_clamp,
            _WITHOUT_BINARY,
        ),
        Operator(
            "requantize",
            "another scale, zero point or number of bits",
            frozenset(),
            ElementwiseSpec.parser("requantize"),
            random_requantize,
            ("w8a8", "w8a8o4", "w8a8o2", "w8a4o8"),
        ),
        Operator(
            "softmax",
            "softmax of each row",
            frozenset(),
            SoftmaxSpec.from_options,
            random_softmax,
            ("w8a8",),
        ),
        Operator(
            "pad",
            "one value around an image",
            frozenset({"padding"}),
            PadSpec.from_options,
            random_movement,
        ),
        Operator(
            "concat",
            "images side by side",
            frozenset({"axis"}),
            ConcatSpec.from_options,
            random_movement,
        ),
        Operator(
            "transpose",
            "another order of axes",
            frozenset({"axis"}),
            TransposeSpec.from_options,
            random_movement,
        ),
        Operator(
            "reshape",
            "the same elements under another shape",
            frozenset(),
            ReshapeSpec.from_options,
            random_movement,
        ),
    )
}
"""Every operator, in the order in which tables show them."""


def find_operator(name: str) -> Operator:
    """Return an operator by name.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in OPERATORS:
        raise UsageError(f"operator {name!r}: expected {' or '.join(OPERATORS)}")
    return OPERATORS[name]


def parse_spec(name: str, options: KernelOptions) -> KernelSpec:
    """Return what a user asks for.

    Raises:
        UsageError: There is no such operator, or an option does not fit it.
    """
    operator = find_operator(name)
    check_options(name, options, operator.taken)
    return operator.parse(options)


def draw_layer(spec: KernelSpec, seed: int = 0) -> Layer:
    """Return a layer with realistic numbers drawn from a seed."""
    return find_operator(spec.operator).draw(spec, seed)
