"""What silicon refuses and Unicorn lets pass, and the functions of an image for both engines."""

from dataclasses import dataclass

from thumbclock.cores import Access
from thumbclock.isa import Instruction, InstructionSet, Kind
from thumbclock.machine.image import Image

__all__ = ["Fault", "Functions", "check"]


@dataclass(frozen=True)
class Fault:
    """A fault of the simulated program.

    Attributes:
        kind: The exception that silicon would raise, or what the simulator found.
        message: What happened, for a reader.
        address: The instruction.
    """

    kind: str
    message: str
    address: int

    @classmethod
    def arm_state(cls, address: int) -> "Fault":
        """Return the fault of a branch to an even address."""
        return cls(
            "UsageFault (invalid state)",
            f"a branch went to 0x{address:08x} with bit 0 of the address clear, which asks for the "
            "Arm state that this core does not have; a null or damaged function pointer, or one to "
            "data",
            address,
        )

    @classmethod
    def undefined(cls, instruction: Instruction, instruction_set: InstructionSet) -> "Fault":
        """Return the fault of an instruction that the core does not have."""
        found = f"'{instruction.text}' is not an instruction of this core"
        missing = instruction_set.lacks(instruction)
        if missing is None or instruction.kind is Kind.UNDEFINED:
            kind, advice = "undefined instruction", ""
        else:
            no_fpu = missing == "an FPU" and instruction_set.version > 6
            kind = "no coprocessor" if no_fpu else "undefined instruction"
            advice = (
                f" ({instruction_set.architecture}): it needs {missing}; build the program for "
                "this core, or choose a profile whose core has it"
            )
        return cls(f"{_exception(instruction_set)} ({kind})", found + advice, instruction.address)

    @classmethod
    def stack(cls, address: int, limit: int) -> "Fault":
        """Return the fault of a stack that grew into what lies below it."""
        return cls(
            "stack overflow",
            f"the stack grew below 0x{limit:08x}, where the program's data ends; give it more room "
            "or use less",
            address,
        )


def check(
    instruction: Instruction,
    access: Access,
    instruction_set: InstructionSet,
    *,
    fpu_enabled: bool,
) -> Fault | None:
    """Return the fault that this execution of an instruction raises on silicon.

    An instruction that the core lacks is refused even where its condition fails: it has no cost.
    """
    if instruction_set.lacks(instruction) is not None:
        return Fault.undefined(instruction, instruction_set)
    if not access.executed:
        return None
    memory = instruction.memory
    # Byte and halfword exclusives need the alignment of their size only.
    misaligned = memory is not None and access.address_low & (memory.size_bytes - 1)
    if (
        memory is not None
        and misaligned
        and (memory.needs_alignment or not instruction_set.allows_unaligned)
    ):
        which = "instruction" if instruction_set.allows_unaligned else "core"
        return Fault(
            f"{_exception(instruction_set)} (unaligned access)",
            f"'{instruction.text}' accesses an address that is not a multiple of "
            f"{memory.size_bytes}; this {which} has no unaligned form",
            instruction.address,
        )
    if not fpu_enabled and instruction.kind.value.startswith("fp_"):
        return Fault(
            "UsageFault (no coprocessor)",
            f"'{instruction.text}' uses the FPU, which is not enabled; start-up code must set "
            "CPACR bits 20 to 23 first",
            instruction.address,
        )
    return None


def _exception(instruction_set: InstructionSet) -> str:
    """Return the exception of a bad instruction or access: Armv6-M has one for all."""
    return "UsageFault" if instruction_set.version > 6 else "HardFault"


class Functions:
    """The functions of an image, by number."""

    def __init__(self, image: Image, limit: int) -> None:
        self.image = image
        self.count = min(len(image.functions), limit)
        self._starts = {function.address for function in image.functions}

    def index(self, address: int) -> int:
        """Return the number of the function that holds an address, -1 where none does."""
        index = self.image.function_index(address)
        return -1 if index is None or index >= self.count else index

    def starts(self, address: int) -> bool:
        """Return whether a function starts at an address."""
        return address in self._starts

    def name(self, index: int) -> str:
        """Return a function's name."""
        return "(no symbol)" if index < 0 else self.image.functions[index].name
