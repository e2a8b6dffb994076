"""Cortex-M0 and Cortex-M0+: one instruction at a time, two or three stages, one bus.

Nothing overlaps, so every instruction has the cost that its core's reference manual states; what
differs between the two cores is in their numbers, in ``profiles/cores``. The only thing that one
instruction leaves to the next is the refill of the pipeline behind a taken branch.
"""

from typing import NamedTuple

from thumbclock.cores.model import Access, Edge, Issue, PipelineModel, State
from thumbclock.isa import Branch, Instruction, Kind
from thumbclock.isa.instruction import PC
from thumbclock.profiles import CoreProfile

__all__ = ["CortexM0"]


class _State(NamedTuple):
    """Whether a taken branch is owed its refill."""

    refill: bool = False


_COSTS = {
    Kind.ALU: "data_processing_cycles",
    Kind.MOVE: "data_processing_cycles",
    Kind.SHIFT: "data_processing_cycles",
    Kind.COMPARE: "data_processing_cycles",
    Kind.EXTEND: "data_processing_cycles",
    Kind.REVERSE: "data_processing_cycles",
    Kind.MULTIPLY: "multiply_cycles",
    Kind.LOAD: "load_cycles",
    Kind.STORE: "store_cycles",
    Kind.LOAD_MULTIPLE: "list_base_cycles",
    Kind.STORE_MULTIPLE: "list_base_cycles",
    Kind.BRANCH: "branch_cycles",
    Kind.NOP: "hint_cycles",
    Kind.HINT: "hint_cycles",
    Kind.BARRIER: "barrier_cycles",
    Kind.SYSTEM: "special_register_cycles",
    Kind.SUPERVISOR_CALL: "supervisor_call_cycles",
    Kind.BREAKPOINT: "breakpoint_cycles",
}
# Where one class holds instructions of different cost.
_NAMED = {
    "bl": "call_cycles",
    "cps": "change_state_cycles",
    "wfe": "wait_cycles",
    "wfi": "wait_cycles",
}


class CortexM0(PipelineModel):
    """The pipeline of the M0 and, with other numbers, of the M0+."""

    def __init__(self, core: CoreProfile) -> None:
        super().__init__(core)
        names = {*_COSTS.values(), *_NAMED.values(), "pop_to_pc_cycles", "refill_cycles"}
        self._number = {name: core.number(name) for name in names}
        self.fetch_ahead_words = core.number("prefetch_words")

    def initial_state(self) -> State:
        """Return the state of an idle pipeline."""
        return _State()

    def stall(self, state: State, cycles: int) -> State:  # noqa: ARG002
        """Return the state unchanged: the refill itself is what fetch waits for."""
        return state

    def redirect(self, state: State, edge: Edge) -> State:
        """Owe the refill of a taken branch; there is no predictor, so edges differ in direction."""
        taken = edge in (Edge.TAKEN, Edge.TAKEN_MISPREDICTED)
        return _State(refill=True) if taken else state

    def issue(self, state: State, instruction: Instruction, access: Access) -> Issue:
        """Issue one instruction behind the refill of its predecessor."""
        assert isinstance(state, _State)
        self.require(instruction)
        stalls = [("branch_refill", self._number["refill_cycles"])] if state.refill else []
        memory = instruction.memory
        if memory is not None:
            wait = access.read_wait_cycles if memory.is_load else access.write_wait_cycles
            stalls += [("memory_wait", wait * memory.count)] if wait else []
        cycles = self._cost(instruction) + sum(count for _, count in stalls)
        # An unconditional branch refills even where it goes to the instruction behind it.
        jumps = instruction.branch not in (None, Branch.CONDITIONAL)
        return Issue(_State(refill=jumps), cycles, tuple(stalls))

    def _cost(self, instruction: Instruction) -> int:
        """Return the cycles of an instruction itself."""
        number, memory = self._number, instruction.memory
        name = _NAMED.get(instruction.mnemonic) or _COSTS.get(instruction.kind)
        if name is None:
            raise self.unpriced(instruction)
        cycles = number[name]
        if name == "list_base_cycles":
            assert memory is not None
            cycles += memory.count
            cycles += number["pop_to_pc_cycles"] if PC in instruction.writes else 0
        return cycles
