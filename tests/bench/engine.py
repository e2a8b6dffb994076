"""Speed of the memoised engine beside bare Unicorn's: same image, same calls, one run.

Usage: python tests/bench/engine.py [--profile ideal-m7] [--place code=flash,data=axi_sram]
           [--seconds 0.3] [--repeats 5]

Every workload is run alternately bare (Unicorn without any hook) and priced (the full pipeline
model, branch history included), and the best time of each counts. The ratio is bare time over
priced time: 1.0 would be the speed of bare Unicorn. The column "empty hook" is bare Unicorn with a
native block hook that does nothing, the limit for any simulator that hooks blocks.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numba
import unicorn
from numba import types
from rich.console import Console
from rich.table import Table

from thumbclock.firmware import program
from thumbclock.kernels.conv.data import random_layer
from thumbclock.kernels.conv.spec import ConvSpec
from thumbclock.kernels.image import task_image
from thumbclock.machine import Machine, load_image
from thumbclock.machine.engine import MemoisedEngine
from thumbclock.machine.guest import Guest
from thumbclock.machine.image import Image
from thumbclock.machine.machine import RETURN_ADDRESS
from thumbclock.profiles import Placement, Profile, load_profile, parse_placement
from thumbclock.toolchain import Source, build, find_toolchain

_HERE = Path(__file__).parent


@numba.cfunc(types.void(types.voidptr, types.uint64, types.uint32, types.voidptr))
def _empty_hook(uc, address, size, data):
    pass


@dataclass(frozen=True)
class Workload:
    """A function of an image, and how often to call it with which argument."""

    name: str
    group: str
    image: Image
    function: str
    argument: int
    calls: int = 1


class _Bare:
    """Unicorn with the image loaded and started, and no hook, or one that does nothing."""

    def __init__(self, workload: Workload, profile: Profile, *, hooked: bool) -> None:
        machine = Machine(workload.image, profile)
        machine.start("tc_ready")
        self.guest = Guest(profile)
        for region in self.guest.memory.regions:
            content = machine.read(region.base, region.memory.size_bytes)
            self.guest.load(region.base, content, "memory")
        self.stack = machine.guest.register(13)
        self.address = machine.symbol(workload.function)
        self.guest.allow_execution(self.address)
        if hooked:
            self.guest.add_native_hook(unicorn.UC_HOOK_BLOCK, _empty_hook.address, 0)

    def call(self, argument: int) -> None:
        guest = self.guest
        guest.set_register(0, argument)
        guest.set_register(13, self.stack)
        guest.set_register(14, RETURN_ADDRESS | 1)
        guest.uc.emu_start(self.address | 1, RETURN_ADDRESS)


def _time(call: Callable[[int], object], workload: Workload) -> float:
    start = time.thread_time()
    for _ in range(workload.calls):
        call(workload.argument)
    return time.thread_time() - start


def measure(
    workload: Workload, profile: Profile, repeats: int
) -> tuple[float, float, float, int, int]:
    """Return best seconds bare, with an empty hook and priced, and instructions and blocks."""
    bare, hooked = (_Bare(workload, profile, hooked=h) for h in (False, True))
    machine = Machine(workload.image, profile)
    machine.start("tc_ready")

    def priced(argument: int) -> object:
        return machine.call(workload.function, argument)

    best = [math.inf, math.inf, math.inf]
    calls = (bare.call, hooked.call, priced)
    for call in calls:
        call(workload.argument)  # translation and table filling happen once
    assert isinstance(machine.engine, MemoisedEngine)
    before, blocks = machine.engine.instructions, machine.engine.unit_runs
    for _ in range(repeats):
        for i, call in enumerate(calls):
            best[i] = min(best[i], _time(call, workload))
    instructions = (machine.engine.instructions - before) // repeats
    blocks = (machine.engine.unit_runs - blocks) // repeats
    return best[0], best[1], best[2], instructions, blocks


def _scaled(workload: Workload, profile: Profile, seconds: float) -> Workload:
    """Choose the argument, or the number of calls, so that a bare run takes about ``seconds``."""
    bare = _Bare(workload, profile, hooked=False)
    bare.call(workload.argument)
    taken = max(_time(bare.call, workload), 1e-5)
    factor = max(1, round(seconds / taken))
    if workload.group == "convolution":
        return Workload(**{**workload.__dict__, "calls": factor})
    return Workload(**{**workload.__dict__, "argument": workload.argument * factor})


def workloads(profile: Profile, placement: Placement) -> list[Workload]:
    """Build the images and return the workloads."""
    toolchain = find_toolchain("zig")
    sources = (Source.file(_HERE / "branchy.c"),)
    request = program(sources, profile, placement=placement, harness=True)
    branchy = load_image(build(request, toolchain).elf)
    found = [
        Workload(name, "branchy", branchy, f"bench_{name}", rounds)
        for name, rounds in (
            ("sort", 10), ("list", 100), ("tokens", 100), ("crc", 10000), ("random", 20000),
        )
    ]  # fmt: skip
    for precision in ("w8a8", "w2a2"):
        spec = ConvSpec.parse("32x32x16-16", kernel="3x3", precision=precision)
        task = random_layer(spec).task(profile.core)
        image = load_image(build(task_image(task, profile, placement), toolchain).elf)
        found.append(Workload(f"conv {precision}", "convolution", image, "tc_kernel", 0))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="ideal-m7")
    parser.add_argument("--place", default="", help="role=memory, ...; default: the profile's")
    parser.add_argument("--seconds", type=float, default=0.3, help="of bare Unicorn per workload")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    profile = load_profile(options.profile)
    placement = parse_placement(options.place, profile.board)
    enabled = ", ".join(cache.name for cache in profile.board.enabled_caches) or "no caches"
    table = Table(title=f"Engine speed on {profile.name} ({placement}; {enabled}), full model")
    for column in ("workload", "instr/block", "bare M/s", "priced M/s", "empty hook", "ratio"):
        justify = "left" if column == "workload" else "right"
        table.add_column(column, justify=justify, no_wrap=True)
    ratios: dict[str, list[float]] = {}
    for workload in workloads(profile, placement):
        scaled = _scaled(workload, profile, options.seconds)
        bare, hooked, priced, instructions, blocks = measure(scaled, profile, options.repeats)
        ratios.setdefault(workload.group, []).append(bare / priced)
        table.add_row(
            f"{workload.group}: {workload.name}",
            f"{instructions / max(1, blocks):.1f}",
            f"{instructions / bare / 1e6:.0f}",
            f"{instructions / priced / 1e6:.0f}",
            f"{bare / hooked:.2f}",
            f"{bare / priced:.2f}",
        )
    console = Console(width=100)
    console.print(table)
    for group, found in ratios.items():
        mean = math.prod(found) ** (1 / len(found))
        console.print(
            f"{group}: ratio to bare Unicorn, geometric mean {mean:.2f}, worst {min(found):.2f}"
        )


if __name__ == "__main__":
    main()
