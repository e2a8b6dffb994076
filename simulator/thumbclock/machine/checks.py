"""What silicon refuses and Unicorn lets pass, and the functions of an image for both engines."""

from dataclasses import dataclass

from thumbclock.cores import Access
from thumbclock.isa import Instruction
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
    def stack(cls, address: int, limit: int) -> "Fault":
        """Return the fault of a stack that grew into what lies below it."""
        return cls(
            "stack overflow",
            f"the stack grew below 0x{limit:08x}, where the program's data ends; give it more room "
            "or use less",
            address,
        )


def check(instruction: Instruction, access: Access, *, fpu_enabled: bool) -> Fault | None:
    """Return the fault that this execution of an instruction raises on silicon."""
    if not access.executed:
        return None
    memory = instruction.memory
    # Byte and halfword exclusives need the alignment of their size only.
    misaligned = memory is not None and access.address_low & (memory.size_bytes - 1)
    if memory is not None and memory.needs_alignment and misaligned:
        return Fault(
            "UsageFault (unaligned access)",
            f"'{instruction.text}' accesses an address that is not a multiple of "
            f"{memory.size_bytes}; this instruction has no unaligned form",
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
