"""Instruction-level Cortex-M simulator and cycle estimator.

What is offered here is imported when it is first used, so that ``import thumbclock`` costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thumbclock.energy import Schedule, energy_of_duty_cycle
    from thumbclock.machine import CallResult, Machine, simulate
    from thumbclock.profiles import load_profile
    from thumbclock.result import RunResult
    from thumbclock.toolchain import build

    __version__: str

__all__ = [
    "CallResult",
    "Machine",
    "RunResult",
    "Schedule",
    "__version__",
    "build",
    "energy_of_duty_cycle",
    "load_profile",
    "simulate",
]

_HOMES = {
    "CallResult": "thumbclock.machine",
    "Machine": "thumbclock.machine",
    "RunResult": "thumbclock.result",
    "Schedule": "thumbclock.energy",
    "build": "thumbclock.toolchain",
    "energy_of_duty_cycle": "thumbclock.energy",
    "load_profile": "thumbclock.profiles",
    "simulate": "thumbclock.machine",
}


def __getattr__(name: str) -> object:
    value: object
    if name == "__version__":
        value = _version()
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'thumbclock' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("thumbclock")
    except PackageNotFoundError:
        return "0+unknown"
