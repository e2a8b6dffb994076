"""What every pipeline model offers: instructions in, cycles out, one step at a time.

A model is a state machine. Its state holds all that the past can still do to the future, relative
to the present cycle, so equal states have equal futures and a table may be indexed by them. Costs
are charged when the next instruction issues; the sum of the charges is the time.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from thumbclock.errors import UsageError
from thumbclock.isa import Instruction, InstructionSet, Kind
from thumbclock.isa.instruction import PC
from thumbclock.profiles import CoreProfile

__all__ = ["Access", "Edge", "Issue", "PipelineModel", "PredictorSizes", "State"]

State = Hashable


@dataclass(frozen=True, slots=True)
class Access:
    """What the program alone does not tell about one execution of an instruction.

    Attributes:
        executed: False where its IT condition failed.
        address_low: The three lowest bits of the address of its memory access.
        read_wait_cycles: Stall of a load from the memory that it reaches.
        write_wait_cycles: Stall of a store to the memory that it reaches.
        turnaround_cycles: Stall of a load directly behind a store, in the memory that it reaches.
        quotient_bits: For a divide, significant bits of the quotient by operand lengths, 0 to 32.
        data_banks: 32-bit banks of the memory that it reaches; each serves a load per cycle.
    """

    executed: bool = True
    address_low: int = 0
    read_wait_cycles: int = 0
    write_wait_cycles: int = 0
    turnaround_cycles: int = 0
    quotient_bits: int = 0
    data_banks: int = 2


class Edge(IntEnum):
    """How control left a branch; the numbers are those of the native hook."""

    NOT_TAKEN = 0
    NOT_TAKEN_MISPREDICTED = 1
    TAKEN = 2
    TAKEN_MISPREDICTED = 3


@dataclass(frozen=True, slots=True)
class Issue:
    """The outcome of issuing one instruction.

    Attributes:
        state: The state behind it.
        cycles: Cycles that passed; 0 where it issued together with its predecessor.
        stalls: Those of the cycles in which nothing could issue, by reason.
    """

    state: State
    cycles: int
    stalls: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PredictorSizes:
    """Sizes of the branch predictor that the machine simulates.

    Attributes:
        history_bits: Outcomes in the global history.
        pattern_bits: log2 of the number of two-bit counters.
        target_entries: Remembered targets of indirect branches.
        return_entries: Depth of the return stack.
        loop_entries: Loops whose ends are foretold.
        longest_loop: Times that a branch is taken in the longest of them.
    """

    history_bits: int
    pattern_bits: int
    target_entries: int
    return_entries: int
    loop_entries: int
    longest_loop: int


class PipelineModel(ABC):
    """A core's pipeline as a state machine over instructions."""

    has_banked_loads = False
    """Whether two loads may issue together when they reach different 32-bit banks."""

    charges_predication = False
    """Whether an instruction whose IT condition failed costs something else than one that ran."""

    feels_alignment = True
    """Whether the cost of an instruction depends on its place in a word of code."""

    fetch_ahead_words = 0
    """Words that a prefetch unit reads ahead; 0 where a line is fetched as its code issues."""

    def __init__(self, core: CoreProfile) -> None:
        self.core = core
        self.instruction_set = InstructionSet(core.architecture, core.dsp, core.fpu)

    @property
    def predictor(self) -> PredictorSizes | None:
        """The branch predictor's sizes; None where the core has none."""
        return None

    @abstractmethod
    def initial_state(self) -> State:
        """Return the state of an idle pipeline."""

    @abstractmethod
    def issue(self, state: State, instruction: Instruction, access: Access) -> Issue:
        """Issue an instruction in a state."""

    @abstractmethod
    def redirect(self, state: State, edge: Edge) -> State:
        """Return the state behind a branch that left by ``edge``."""

    @abstractmethod
    def stall(self, state: State, cycles: int) -> State:
        """Return the state after ``cycles`` in which the front end had nothing to issue."""

    def narrowed(self, instructions: Sequence[Instruction]) -> Callable[[State], State]:  # noqa: ARG002
        """Return what makes states equal that differ in nothing these instructions can feel.

        A table of transitions stays small where only they are issued, e.g. those of one loop.
        """
        return lambda state: state

    def require(self, instruction: Instruction) -> None:
        """Refuse to price an instruction that the core does not have.

        Raises:
            UsageError: The core lacks it.
        """
        missing = self.instruction_set.lacks(instruction)
        if missing is not None:
            raise UsageError(
                f"{self.core.name} has no cost for '{instruction.text}' at "
                f"0x{instruction.address:08x}: the instruction needs {missing}, and this core is "
                f"{self.core.architecture}"
            )

    def unpriced(self, instruction: Instruction) -> UsageError:
        """Return the error of an instruction that the core has and the model has no cost for."""
        return UsageError(
            f"{self.core.name} has no cost for '{instruction.text}' at 0x{instruction.address:08x} "
            f"(class {instruction.kind}); add one to {self.core.path.name} and to the core's model"
        )

    def needs_execution(self, instruction: Instruction) -> bool:
        """Return whether the cost depends on an IT condition having passed."""
        if not instruction.is_predicated or instruction.branch is not None:
            # A predicated branch that is not taken falls through: its edge tells.
            return instruction.is_predicated and instruction.memory is not None
        return (
            self.charges_predication
            or instruction.memory is not None
            or instruction.kind is Kind.DIVIDE
        )

    def needs_alignment(self, instruction: Instruction) -> bool:
        """Return whether the cost depends on the low address bits by itself."""
        memory = instruction.memory
        return memory is not None and memory.size_bytes > 1 and memory.base != PC

    def divide_cycles(self, quotient_bits: int) -> int:
        """Return the time of a divide: base + steps of a fixed number of quotient bits."""
        base = self.core.number("divide_base_cycles")
        tenths = self.core.number("divide_decibits_per_cycle")
        return base + -(-10 * quotient_bits // tenths)
