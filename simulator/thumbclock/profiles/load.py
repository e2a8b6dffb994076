"""Finding, reading and resolving profile files."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from thumbclock import assets
from thumbclock.errors import UsageError
from thumbclock.profiles.files import BoardFile, CoreFile
from thumbclock.profiles.model import (
    ROLES,
    BoardProfile,
    CoreProfile,
    Profile,
    Quantity,
    did_you_mean,
    parse_placement,
)
from thumbclock.profiles.operating import (
    at_operating_point,
    check_operating_point,
    choose_caches,
    default_supply_v,
)

__all__ = ["load_core", "load_profile", "profile_names"]

_File = TypeVar("_File", bound=BaseModel)


def profile_names() -> list[str]:
    """Return the names of the boards that come with thumbclock, sorted."""
    return sorted(path.stem for path in assets.path("profiles", "boards").glob("*.toml"))


def load_profile(
    name: str | Path,
    *,
    clock_hz: int | None = None,
    supply_v: float | None = None,
    caches: str = "usual",
) -> Profile:
    """Load a board with its core, at a clock and supply and with a choice of its caches.

    Args:
        name: A name from `profile_names`, or the path of a board file (``*.toml``).
        clock_hz: CPU clock; the profile's own where none is given. Wait states follow it.
        supply_v: Supply voltage; the profile's own where none is given. Wait states follow it.
        caches: ``usual`` (as the usual start-up code leaves them), ``reset``, ``on``, ``off``, or
            the names of those that are enabled, separated by commas.

    Raises:
        UsageError: There is no such profile, its file is not valid, or the board does not run at
            that clock and supply or has no such cache.
    """
    board = _load_board(_find(name, "boards"))
    board = at_operating_point(board, clock_hz=clock_hz, supply_v=supply_v)
    board = replace(board, enabled_caches=choose_caches(board, caches))
    core = board.path.parent / board.core if board.core.endswith(".toml") else board.core
    return Profile(board=board, core=load_core(core))


def load_core(name: str | Path) -> CoreProfile:
    """Load a core.

    Args:
        name: e.g. ``cortex-m7``, or the path of a core file (``*.toml``).

    Raises:
        UsageError: There is no such core, or its file is not valid.
    """
    path = _find(name, "cores")
    file = _parse(path, CoreFile)
    core = CoreProfile(
        name=file.name,
        title=file.title,
        architecture=file.architecture,
        unicorn_model=file.unicorn_model,
        mcpu=file.mcpu,
        fpu=None if file.fpu == "none" else file.fpu,
        dsp=file.dsp,
        pipeline=file.pipeline,
        branch=file.branch,
        accuracy=file.accuracy,
        not_modelled=file.not_modelled,
        sources={},
        path=path,
    )
    return replace(core, sources=_resolve(path, file.sources, core.numbers()))


def _load_board(path: Path) -> BoardProfile:
    file = _parse(path, BoardFile)
    board = BoardProfile(
        name=file.name,
        title=file.title,
        core=file.core,
        fpu=file.fpu,
        clock_hz=file.clock_hz,
        min_clock_hz=file.min_clock_hz,
        max_clock_hz=file.max_clock_hz,
        memories=tuple(memory.memory(name) for name, memory in file.memories.items()),
        caches=tuple(cache.cache(name) for name, cache in file.caches.items()),
        enabled_caches=(),
        placement={role: file.placement[role] for role in ROLES},
        electrical=None if file.electrical is None else file.electrical.electrical(),
        summary=file.summary,
        not_modelled=file.not_modelled,
        sources={},
        path=path,
    )
    # A default that cannot be is an error of the file, found here and not at first use.
    try:
        parse_placement("", board)
    except UsageError as error:
        raise UsageError(f"{path}: default placement: {error}") from None
    try:
        check_operating_point(board, board.clock_hz.integer, default_supply_v(board))
    except UsageError as error:
        raise UsageError(f"{path}: default clock and supply: {error}") from None
    return replace(board, sources=_resolve(path, file.sources, board.numbers()))


def _find(name: str | Path, folder: Literal["boards", "cores"]) -> Path:
    text = str(name)
    if text.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"no profile file at {path}; give a .toml file that exists")
        return path
    known = sorted(path.stem for path in assets.path("profiles", folder).glob("*.toml"))
    if text in known:
        return assets.path("profiles", folder, f"{text}.toml")
    what = "profile" if folder == "boards" else "core"
    raise UsageError(
        f"unknown {what} {text!r}{did_you_mean(text, known)}; there are {', '.join(known)}, "
        "or give the path of a .toml file"
    )


def _parse(path: Path, schema: type[_File]) -> _File:
    document = _read_toml(path)
    try:
        return schema.model_validate(document)
    except ValidationError as error:
        raise UsageError(_explain(path, error)) from None
    except UsageError as error:  # of a quantity that a rule of the file uses
        raise UsageError(f"{path} is not a valid profile: {error}") from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: byte {error.start} ({error.reason})") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None


def _explain(path: Path, error: ValidationError) -> str:
    lines = [f"{path} is not a valid profile:"]
    for problem in error.errors(include_url=False):
        message = problem["msg"].removeprefix("Value error, ")
        where = ".".join(
            str(part) for part in problem["loc"] if part not in {"bool", "int", "float"}
        )
        line = f"  {where}: {message}" if where else f"  {message}"
        if line not in lines:
            lines.append(line)
    return "\n".join(lines)


def _resolve(
    path: Path, own: Mapping[str, str], numbers: Iterable[tuple[str, Quantity]]
) -> dict[str, str]:
    """Return the citations of the tags that numbers use, or raise where one has none."""
    shared = _read_toml(assets.path("profiles", "sources.toml"))
    if twice := sorted(shared.keys() & own.keys()):
        raise UsageError(
            f"{path}: [sources] redefines {', '.join(twice)} of profiles/sources.toml; use other "
            "tags"
        )
    known = {**shared, **own}
    used: dict[str, str] = {}
    for name, quantity in numbers:
        for tag in quantity.tags:
            if tag not in known:
                raise UsageError(
                    f"{path}: {name} cites {tag!r}{did_you_mean(tag, list(known))}, which no "
                    "source has; add it to [sources]"
                )
            used[tag] = known[tag]
    return used
