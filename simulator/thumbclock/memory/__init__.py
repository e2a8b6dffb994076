"""Memories: the board's regions, their wait states, and their part in the timing."""

from thumbclock.memory.map import MemoryMap, Region, WaitClass
from thumbclock.memory.timing import Timing

__all__ = ["MemoryMap", "Region", "Timing", "WaitClass"]
