"""``thumbclock profiles``: what there is, and every number with its source."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["profiles"]


def profiles(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="A profile, or the path of a board file, to show in full."
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write every number with its source as JSON."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print names only, or nothing with a NAME.")
    ] = False,
) -> None:
    """List the profiles, or show every number of one with its unit and source."""
    from rich.console import Console

    from thumbclock.profiles import load_profile, profile_names
    from thumbclock.reports.profiles import details, overview, record
    from thumbclock.result import ProfilesResult, write_result

    chosen = [load_profile(each) for each in ([name] if name else profile_names())]
    if json is not None:
        result = ProfilesResult(profiles=tuple(record(profile) for profile in chosen))
        write_result(result, json)
    console = Console(highlight=False)
    if name is not None:
        if not quiet:
            console.print(details(chosen[0]))
    elif quiet:
        for profile in chosen:
            console.print(profile.name, markup=False)
    else:
        console.print(overview(chosen))
        console.print("thumbclock profiles NAME shows every number with its source.")
