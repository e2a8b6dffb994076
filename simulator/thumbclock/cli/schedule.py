"""``thumbclock schedule``: search the order of instructions that takes the fewest cycles."""

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thumbclock.cli.console import progress_bar, stdout_console
from thumbclock.cli.options import JsonOption, QuietOption, ToolchainOption
from thumbclock.errors import UsageError

if TYPE_CHECKING:
    from thumbclock.studies.schedule import Excerpt, Target

__all__ = ["schedule"]


def schedule(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Assembly file, .S or .s.")],
    loop: Annotated[
        str | None,
        typer.Option(metavar="LABEL", help="The loop's label; it ends at the branch back to it."),
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="LABEL", help="Start of straight-line code.")
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="LABEL", help="Its end.")] = None,
    profile: Annotated[
        str,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME[:WEIGHT],...",
            help="Boards that the order is for; the sum of cycles by weight is what counts.",
        ),
    ] = "ideal-m7",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the source with the new order in place."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Let --out replace a file that exists.")
    ] = False,
    steps: Annotated[int, typer.Option(metavar="N", min=1, help="Orders to try.")] = 100_000,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the search.")] = 0,
    distinct: Annotated[
        bool,
        typer.Option(
            "--distinct",
            help="Different base registers reach different memory, so that loads may pass stores.",
        ),
    ] = False,
    low_bits: Annotated[
        str,
        typer.Option(
            metavar="REG=N,...",
            help="Lowest three bits of base registers at the loop's start, e.g. sp=4; 0 otherwise.",
        ),
    ] = "",
    include: Annotated[
        list[Path] | None, typer.Option("--include", "-I", metavar="DIR", help="For headers.")
    ] = None,
    define: Annotated[
        list[str] | None, typer.Option("--define", "-D", metavar="NAME[=VALUE]", help="A macro.")
    ] = None,
    toolchain: ToolchainOption = "zig",
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Search the order of a loop's instructions that takes the fewest cycles.

    The cost of an order is what the pipeline models make of it: cycles per iteration once the loop
    runs steadily, with the branch back taken and predicted. Instructions move where registers,
    flags and memory allow; offsets follow an instruction past an update of its base. Labels in the
    middle, IT blocks and what reads PC stay where they are. The new order is run against the old
    one, from random registers and memory, before it is shown. Ctrl-C ends the search with the best
    order so far.
    """
    from thumbclock.result import write_result
    from thumbclock.studies.schedule import Assembly, Excerpt
    from thumbclock.studies.schedule import schedule as search_order
    from thumbclock.toolchain import find_toolchain

    excerpt = _excerpt(Excerpt, file, loop, from_, to)
    if out is not None and out.exists() and not force:
        raise UsageError(f"--out {out} exists; give another name, or --force to replace it")
    targets = _targets(profile)
    assembly = Assembly(
        profile=targets[0].profile,
        toolchain=find_toolchain(toolchain),
        include_dirs=tuple(include or ()),
        defines=tuple(_definition(text) for text in define or ()),
    )
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task("searching", total=steps)

        def report(done: int, best: Fraction) -> None:
            progress.update(task, completed=done, description=f"best {float(best):g} cycles")

        outcome = search_order(
            excerpt,
            assembly,
            targets,
            steps=steps,
            seed=seed,
            distinct=distinct,
            low_bits=_low_bits(excerpt, low_bits),
            report=report,
        )
    if json is not None:
        write_result(outcome.result, json)
    if out is not None:
        _write(out, outcome.text)
    if not quiet:
        from thumbclock.reports.schedule import schedule_summary

        stdout_console().print(schedule_summary(outcome.result))


def _excerpt(
    kind: "type[Excerpt]", file: Path, loop: str | None, start: str | None, end: str | None
) -> "Excerpt":
    if loop is not None and start is None and end is None:
        return kind.find(file, loop)
    if loop is None and start is not None and end is not None:
        return kind.find(file, start, end)
    raise UsageError("expected --loop LABEL for a loop, or --from LABEL --to LABEL for other code")


def _targets(text: str) -> "list[Target]":
    from thumbclock.profiles import load_profile
    from thumbclock.studies.schedule import Target

    targets = []
    for part in text.split(","):
        name, _, weight = part.strip().partition(":")
        if weight and re.fullmatch("[1-9][0-9]{0,8}", weight) is None:
            raise UsageError(f"--profile {part!r}: expected a weight such as {name}:2")
        targets.append(Target(load_profile(name), int(weight or 1)))
    return targets


def _low_bits(excerpt: "Excerpt", text: str) -> dict[int, int]:
    found = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, value = part.partition("=")
        if re.fullmatch("[0-7]", value) is None:
            raise UsageError(f"--low-bits {part!r}: expected REGISTER=0 to 7")
        found[excerpt.register(name)] = int(value)
    return found


def _definition(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    return name, value if equals else "1"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
