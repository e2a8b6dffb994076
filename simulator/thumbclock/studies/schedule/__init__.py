"""Instruction orders of an inner loop: the search for the fewest cycles by the pipeline models.

As SLOTHY does with a constraint solver (Abdulrahman, Becker, Kannwischer, Klein: Fast and Clean,
TCHES 2024), with the simulator's own model as the cost function in its place.
"""

from thumbclock.studies.schedule.cost import Costs, IssuedInstruction
from thumbclock.studies.schedule.graph import Body, make_body
from thumbclock.studies.schedule.search import Found, search
from thumbclock.studies.schedule.source import Assembly, Excerpt, Listing
from thumbclock.studies.schedule.study import Outcome, Target, schedule
from thumbclock.studies.schedule.verify import check_equivalence

__all__ = [
    "Assembly",
    "Body",
    "Costs",
    "Excerpt",
    "Found",
    "IssuedInstruction",
    "Listing",
    "Outcome",
    "Target",
    "check_equivalence",
    "make_body",
    "schedule",
    "search",
]
