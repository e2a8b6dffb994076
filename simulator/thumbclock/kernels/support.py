"""Which kernel serves an operator at a precision, as the operators themselves answer."""

from collections.abc import Iterable
from dataclasses import dataclass

from thumbclock.errors import UsageError
from thumbclock.kernels.operators import OPERATORS, draw_layer, parse_spec
from thumbclock.kernels.options import KernelOptions
from thumbclock.kernels.precision import Precision, parse_precision
from thumbclock.profiles import load_profile

__all__ = ["Support", "every_precision", "support", "support_markdown", "support_page"]

_WIDTHS = (8, 4, 2, 1)


@dataclass(frozen=True)
class Support:
    """Whether an operator has a kernel at a precision.

    Attributes:
        operator: Name of the operator.
        precision: What was asked for.
        function: The C function that serves it, None where none does.
        reason: Why none does, else empty.
        has_weights: Whether it multiplies with weights; False where none serves it.
    """

    operator: str
    precision: Precision
    function: str | None
    reason: str = ""
    has_weights: bool = False


def every_precision() -> tuple[Precision, ...]:
    """Return all widths of weights, inputs and outputs, signed or not, by thresholds or not."""
    return tuple(
        parse_precision(f"w{weights}a{inputs}o{outputs}{signed}{thresholds}")
        for weights in _WIDTHS
        for inputs in _WIDTHS
        for outputs in _WIDTHS
        for signed in ["", "s"][: 1 + bool({inputs, outputs} & {4, 2})]
        for thresholds in ["", "-thresholds"][: 1 + (outputs in {4, 2})]
    )


def support(
    operators: Iterable[str] | None = None,
    precisions: Iterable[Precision] | None = None,
    *,
    profile: str = "ideal-m4",
) -> tuple[Support, ...]:
    """Return what operators answer when they are asked for a kernel, each in its default shape.

    Args:
        operators: Their names; all where it is None.
        precisions: What to ask for; `every_precision` where it is None.
        profile: A board with the core that the kernels are for.
    """
    core = load_profile(profile).core
    asked = tuple(every_precision() if precisions is None else precisions)
    answers = []
    for operator in OPERATORS if operators is None else operators:
        for precision in asked:
            try:
                spec = parse_spec(operator, KernelOptions(precision))
                task = draw_layer(spec).task(core)
            except UsageError as refusal:
                answers.append(Support(operator, precision, None, str(refusal)))
            else:
                weights = task.weight_bits > 0
                answers.append(Support(operator, precision, task.function, "", weights))
    return tuple(answers)


def support_markdown(answers: Iterable[Support]) -> str:
    """Return a table: operator, widths of weights and inputs, outputs, and the C function.

    Outputs are those of `Precision.name`, e.g. ``o4s-thresholds``. Rows that differ in weights and
    inputs alone are one.
    """
    outputs: dict[tuple[str, str, str], list[str]] = {}
    for answer in answers:
        if answer.function is not None:
            precision = answer.precision
            pair = precision.base if answer.has_weights else f"a{precision.activation_bits}"
            listed = outputs.setdefault((answer.operator, answer.function, pair), [])
            if (output := _output(precision)) not in listed:
                listed.append(output)
    rows: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (operator, function, pair), listed in outputs.items():
        rows.setdefault((operator, function, tuple(listed)), []).append(pair)
    lines = ["| operator | weights and inputs | outputs | kernel |", "|---|---|---|---|"]
    lines += [
        f"| {operator} | {' '.join(pairs)} | {' '.join(listed)} | `{function}` |"
        for (operator, function, listed), pairs in rows.items()
    ]
    return "\n".join([*lines, ""])


def _output(precision: Precision) -> str:
    signed = "s" if precision.signed else ""
    thresholds = "-thresholds" if precision.thresholds else ""
    return f"o{precision.output_bits}{signed}{thresholds}"


_PAGE = """\
# What the kernels support

For every operator, in its default shape on a core with DSP instructions: widths of weights and
inputs, outputs, and the C function that serves them. Cores without DSP instructions have kernels
for the same. `python -m thumbclock.kernels.support` prints this page from the operators' answers.

"""


def support_page() -> str:
    """Return ``reports/kernels/support.md``."""
    return _PAGE + support_markdown(support())


if __name__ == "__main__":
    print(support_page(), end="")
