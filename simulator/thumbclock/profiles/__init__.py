"""Profiles of cores and boards: schema, loading, and the placement of program parts in memories.

A profile is data, in ``profiles/cores/*.toml`` and ``profiles/boards/*.toml``. Every number in it
is a `Quantity`: a value with its unit, the tag of its source and the kind of evidence behind it.
The tags are resolved in ``profiles/sources.toml``, or in a ``[sources]`` table of the file itself.
"""

from thumbclock.profiles.load import load_core, load_profile, profile_names
from thumbclock.profiles.model import (
    ROLES,
    Access,
    AccuracyStatement,
    BoardProfile,
    Cache,
    CachePolicy,
    CacheServes,
    CacheWrites,
    CoreProfile,
    Electrical,
    Evidence,
    Fpu,
    Mcpu,
    Memory,
    MemoryKind,
    Placement,
    Profile,
    Quantity,
    Regulator,
    Role,
    WaitStates,
    parse_placement,
)

__all__ = [
    "ROLES",
    "Access",
    "AccuracyStatement",
    "BoardProfile",
    "Cache",
    "CachePolicy",
    "CacheServes",
    "CacheWrites",
    "CoreProfile",
    "Electrical",
    "Evidence",
    "Fpu",
    "Mcpu",
    "Memory",
    "MemoryKind",
    "Placement",
    "Profile",
    "Quantity",
    "Regulator",
    "Role",
    "WaitStates",
    "load_core",
    "load_profile",
    "parse_placement",
    "profile_names",
]
