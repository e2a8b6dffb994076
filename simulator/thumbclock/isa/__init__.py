"""The instruction set: bytes to :class:`Instruction`, with operands, roles and classes."""

from thumbclock.isa.architecture import InstructionSet
from thumbclock.isa.decode import advance_it_state, decode, decode_block
from thumbclock.isa.instruction import Branch, Instruction, Kind, Memory

__all__ = [
    "Branch",
    "Instruction",
    "InstructionSet",
    "Kind",
    "Memory",
    "advance_it_state",
    "decode",
    "decode_block",
]
