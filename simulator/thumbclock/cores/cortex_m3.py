"""Cortex-M3: the M4's pipeline without DSP and FPU, with a slower multiplier.

Sources: Arm DDI 0337 (timing tables) and measurements on STM32F103; the numbers, each with its
source, are in ``profiles/cores/cortex-m3.toml``.
"""

from thumbclock.cores.cortex_m4 import CortexM4
from thumbclock.isa import Instruction

__all__ = ["CortexM3"]

_MULTIPLIES = {
    "mla": "multiply_accumulate_cycles",
    "mls": "multiply_accumulate_cycles",
    "umull": "umull_cycles",
    "smull": "smull_cycles",
    "umlal": "umlal_cycles",
    "smlal": "smlal_cycles",
}


class CortexM3(CortexM4):
    """The M3's pipeline."""

    chains_indexed = False  # only the first load of a chain may write its base back

    def _own_cycles(self, instruction: Instruction) -> int:
        """Return the cycles in execute; the array multiplies 32 by 32 bits to 32 in one."""
        name = _MULTIPLIES.get(instruction.mnemonic)
        return super()._own_cycles(instruction) if name is None else self._number[name]
