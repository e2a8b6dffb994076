"""The table of what is supported says what the operators answer."""

from pathlib import Path

from thumbclock.kernels.operators import OPERATORS
from thumbclock.kernels.precision import parse_precision
from thumbclock.kernels.support import every_precision, support, support_markdown, support_page


def test_convolution_serves_every_precision() -> None:
    """All widths in, all widths out, signed and unsigned, by either requantization."""
    precisions = every_precision()
    assert len({p.name for p in precisions}) == len(precisions) == 176
    answers = support(["conv"], precisions)
    assert [answer.precision for answer in answers] == list(precisions)
    assert all(answer.function for answer in answers)


def test_states_refusals_with_their_reason() -> None:
    """What no kernel serves is not in the table, and the answer says why."""
    precisions = [parse_precision("w8a8"), parse_precision("w4a4-unrolled")]
    served, refused = support(["conv"], precisions)
    assert (served.function, served.reason) == ("tc_conv_w8a8", "")
    assert refused.function is None
    assert "unrolled kernels have" in refused.reason
    table = support_markdown([served, refused])
    assert table.splitlines()[2:] == ["| conv | w8a8 | o8 | `tc_conv_w8a8` |"]


def test_joins_rows_of_the_same_outputs() -> None:
    """Pairs with the same kernel and outputs stand in one row."""
    names = ["w8a4", "w8a4o2s", "w2a4", "w2a4o2s", "w4a1"]
    table = support_markdown(support(["conv"], map(parse_precision, names)))
    assert table.splitlines()[2:] == [
        "| conv | w8a4 w2a4 | o4 o2s | `tc_conv_mixed` |",
        "| conv | w4a1 | o1 | `tc_conv_mixed` |",
    ]


def test_asks_every_operator() -> None:
    """Each operator of the registry answers at the precision that all have."""
    answers = support(precisions=[parse_precision("w8a8")])
    assert [answer.operator for answer in answers] == list(OPERATORS)
    assert all(answer.function for answer in answers)


def test_published_page_is_up_to_date() -> None:
    """The page in reports/ is what the operators answer."""
    page = Path(__file__).parents[2] / "reports" / "kernels" / "support.md"
    assert page.read_text(encoding="utf-8") == support_page()


def test_cores_without_dsp_have_the_same() -> None:
    """Whatever has a kernel on the M4 has one on the M0+."""
    asked = [precision for precision in every_precision() if precision.output_bits in {8, 1}]
    served, portable = (
        {(answer.operator, answer.precision) for answer in answers if answer.function}
        for answers in (support(None, asked), support(None, asked, profile="ideal-m0plus"))
    )
    assert portable == served


def test_serves_what_comparisons_show() -> None:
    """An operator's usual precisions have kernels, and the first is the int8 baseline."""
    for name, operator in OPERATORS.items():
        answers = support([name], map(parse_precision, operator.precisions))
        assert [answer.reason for answer in answers if answer.function is None] == []
        assert operator.precisions[0] == "w8a8"


def test_refuses_variants_of_kernels_without_weights() -> None:
    """Where there are no products, none can be saved or stand in code: it is said, not ignored."""
    variants = [parse_precision("w8a8-winograd"), parse_precision("w8a8-skip25")]
    for name in ("maxpool", "globalavgpool", "add", "requantize", "softmax", "pad", "reshape"):
        saved, emitted = support([name], variants)
        assert "leave out -winograd" in saved.reason
        assert "leave out -unrolled" in emitted.reason
