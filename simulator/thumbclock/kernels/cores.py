"""What of a core's pipeline decides which of several kernels serves it best."""

from typing import Literal

from thumbclock.profiles import CoreProfile

__all__ = ["loads_in_runs", "loop_order"]


def loop_order(core: CoreProfile) -> Literal["m4", "m7"]:
    """Return the end of the names of inner loops whose order is for a core with DSP instructions.

    ``m7`` for the core that issues two of them a cycle, ``m4`` for those that issue one, as the M33
    does: what it pairs are 16-bit instructions with branches.
    """
    return "m7" if core.name == "cortex-m7" else "m4"


def loads_in_runs(core: CoreProfile) -> bool:
    """Return whether a core pipelines loads only where they stand beside each other.

    A Cortex-M4 takes n + 1 cycles for n neighbouring loads. An M33 takes one for each wherever it
    stands, and waits where its result is wanted at once.
    """
    return core.name == "cortex-m4"
