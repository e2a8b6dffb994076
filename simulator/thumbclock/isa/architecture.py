"""Which instructions a core has: its architecture, its extensions and its floating-point unit.

Unicorn lets pass what a smaller core lacks (CBZ and IT on a Cortex-M0, DSP instructions on some
models), and a pipeline model knows a class rather than an encoding; both ask here first. Source:
the Armv6-M, Armv7-M and Armv8-M Architecture Reference Manuals (Arm DDI 0419, 0403, 0553).
"""

from dataclasses import dataclass

from thumbclock.errors import UsageError
from thumbclock.isa.instruction import Instruction, Kind

__all__ = ["InstructionSet"]

_VERSIONS = {
    "Armv6-M": 6,
    "Armv7-M": 7,
    "Armv7E-M": 7,
    "Armv8-M": 8,
    "Armv8-M Mainline": 8,
}

_ARMV6_WIDE = {"bl", "dmb", "dsb", "isb", "mrs", "msr"}
_ARMV7_NARROW = {"cbnz", "cbz", "it"}
_ARMV8 = {
    "lda", "ldab", "ldah", "ldaex", "ldaexb", "ldaexh",
    "stl", "stlb", "stlh", "stlex", "stlexb", "stlexh",
    "sg", "tt", "tta", "ttat", "ttt",
}  # fmt: skip

_DSP_KINDS = {Kind.DSP, Kind.PACK, Kind.EXTEND_ADD}
_NOT_DSP = {"ssat", "usat", "mul", "mla", "mls", "smull", "umull", "smlal", "umlal"}
_MULTIPLIES = {
    Kind.MULTIPLY,
    Kind.MULTIPLY_ACCUMULATE,
    Kind.MULTIPLY_LONG,
    Kind.MULTIPLY_ACCUMULATE_LONG,
}
_DSP_EXTENDS = {"sxtb16", "uxtb16"}

_FPV5 = {
    "vsel", "vmaxnm", "vminnm", "vcvta", "vcvtm", "vcvtn", "vcvtp",
    "vrinta", "vrintm", "vrintn", "vrintp", "vrintr", "vrintx", "vrintz",
}  # fmt: skip
# A unit for single precision still moves doubles to and from memory and core registers.
_DOUBLE_TRANSFERS = {
    Kind.FP_LOAD, Kind.FP_STORE, Kind.FP_LOAD_MULTIPLE, Kind.FP_STORE_MULTIPLE, Kind.FP_TO_CORE,
    Kind.FP_FROM_CORE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """The instructions of one part.

    Attributes:
        architecture: e.g. ``Armv7E-M``.
        dsp: Whether it has the DSP extension.
        fpu: Its floating-point unit by the compilers' name; None where there is none.

    Raises:
        UsageError: The architecture is not known.
    """

    architecture: str
    dsp: bool
    fpu: str | None

    def __post_init__(self) -> None:
        if self.architecture not in _VERSIONS:
            raise UsageError(
                f"architecture {self.architecture!r} is unknown; expected one of "
                f"{', '.join(_VERSIONS)}"
            )

    @property
    def version(self) -> int:
        """Version of the architecture: 6, 7 or 8."""
        return _VERSIONS[self.architecture]

    @property
    def allows_unaligned(self) -> bool:
        """Whether single loads and stores of words and halfwords may be unaligned."""
        return self.version > 6

    def lacks(self, instruction: Instruction) -> str | None:
        """Return what it would take to run an instruction, None where this part can."""
        kind, name = instruction.kind, instruction.mnemonic
        if kind is Kind.UNDEFINED:
            return "what no simulated core has"
        if kind.value.startswith("fp_"):
            return self._lacks_floating_point(instruction)
        if name in _ARMV8 and self.version < 8:
            return "Armv8-M"
        if self._needs_dsp(kind, name) and not self.dsp:
            return "the DSP extension (Armv7E-M)"
        wide = not instruction.is_narrow and name not in _ARMV6_WIDE
        if self.version < 7 and (wide or name in _ARMV7_NARROW):
            return "Armv7-M"
        return None

    @staticmethod
    def _needs_dsp(kind: Kind, name: str) -> bool:
        if kind in _DSP_KINDS or kind in _MULTIPLIES:
            return name not in _NOT_DSP
        return name in _DSP_EXTENDS

    def _lacks_floating_point(self, instruction: Instruction) -> str | None:
        if self.fpu is None:
            return "an FPU"
        if instruction.mnemonic in _FPV5 and not self.fpu.startswith("fpv5"):
            return "an FPv5 unit"
        is_single = "-sp-" in self.fpu
        if is_single and instruction.is_double and instruction.kind not in _DOUBLE_TRANSFERS:
            return "a double-precision FPU"
        return None
