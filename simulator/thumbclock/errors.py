"""The errors that thumbclock reports, each with the exit code of the command line."""

__all__ = ["CheckFailed", "SimulationFault", "ThumbclockError", "UsageError"]


class ThumbclockError(Exception):
    """An error that is told to the user as one message, without a traceback."""

    exit_code = 2


class UsageError(ThumbclockError):
    """Bad input or usage: a file, name or option that cannot be worked with."""


class CheckFailed(ThumbclockError):  # noqa: N818 - named for what happened
    """A budget was exceeded or an output differs from its reference."""

    exit_code = 1


class SimulationFault(ThumbclockError):  # noqa: N818 - named for what happened
    """The simulated program faulted or ran out of its limits."""

    exit_code = 3
