"""What Unicorn does not do as silicon does, and what the machine makes of it, on both engines.

Programs end with BKPT 0, whose exit code is r0.
"""

from pathlib import Path
from typing import Literal

import pytest
import unicorn
from raw_images import ENTRY, FLASH, RAM, RAM_BYTES, assemble
from unicorn import arm_const

from thumbclock.errors import SimulationFault
from thumbclock.machine import Machine
from thumbclock.machine.guest import Guest
from thumbclock.profiles import load_profile
from thumbclock.result import FaultReport, RunResult

Engine = Literal["memoised", "stepped"]

_FPU_ON = "ldr r4, =0xE000ED88; ldr r5, [r4]; orr r5, r5, #0xF00000; str r5, [r4]; dsb; isb;"
_COUNTER_ON = (
    "ldr r4, =0xE000EDFC; ldr r5, [r4]; orr r5, r5, #0x1000000; str r5, [r4];"
    "ldr r4, =0xE0001000; movs r5, #1; str r5, [r4];"
)
_TO = "ldr r6, ={:#x};"
_END = "bkpt 0"


def _at(address: int, instruction: str) -> str:
    """Return a program that accesses an address in the middle of a block."""
    return f"movs r0, #1; {_TO.format(address)} adds r0, #1; {instruction}; adds r0, #1; {_END}"


UNALIGNED = {
    "ldrd": "ldrd r2, r3, [r6]",
    "strd": "strd r2, r3, [r6]",
    "ldm": "ldm r6, {r2, r3}",
    "stm": "stm r6!, {r2, r3}",
    "ldrex": "ldrex r2, [r6]",
    "vldr": "vldr s0, [r6]",
    "vstr.64": "vstr d0, [r6]",
    "vldm": "vldmia r6, {s0, s1}",
}
ALLOWED_UNALIGNED = {
    "ldr": "ldr r2, [r6]",
    "ldrh": "ldrh r2, [r6, #1]",
    "str": "str r2, [r6]",
    "ldrexb": "ldrexb r2, [r6]",
    "ldrexh": "ldrexh r2, [r6]",
}
NOWHERE = {
    "unmapped": 0x3000_0000,
    "peripherals": 0x4000_0000,
    "external memory": 0xA000_0000,
    "private peripherals": 0xE000_0000,
    "erased vector": 0xFFFF_FFFE,
}

PROGRAMS = {
    "fpu off": f"movs r0, #1; vadd.f32 s0, s1, s2; {_END}",
    "fpu on": f"{_FPU_ON} vmov.f32 s0, #3.0; vadd.f32 s0, s0, s0; vcvt.s32.f32 s0, s0;"
    f"vmov r0, s0; {_END}",
    "double": f"{_FPU_ON} vmov.f64 d0, #3.0; vadd.f64 d0, d0, d0; vcvt.s32.f64 s0, d0;"
    f"vmov r0, s0; {_END}",
    **{f"unaligned {name}": _FPU_ON + _at(RAM + 6, text) for name, text in UNALIGNED.items()},
    **{f"allowed {name}": _at(RAM + 6, text) for name, text in ALLOWED_UNALIGNED.items()},
    **{f"jump {name}": f"{_TO.format(target | 1)} bx r6" for name, target in NOWHERE.items()},
    "exception return": "mvn lr, #6; bx lr",
    "read unmapped": _at(0x1000_0000, "ldr r2, [r6]"),
    "write unmapped": _at(0x1000_0000, "str r2, [r6, #4]"),
    "write flash": _at(FLASH + 0x100, "str r2, [r6]"),
    "ldm over the end": _at(RAM + RAM_BYTES - 8, "ldm r6, {r1, r2, r3, r4}"),
    "stm over the end": _at(RAM + RAM_BYTES - 8, "stm r6!, {r1, r2, r3, r4}"),
    "wfe": f"movs r0, #5; wfe; movs r0, #6; {_END}",
    "wfi": f"movs r0, #5; wfi; movs r0, #6; {_END}",
    "yield": f"movs r0, #5; yield; adds r0, #1; yield; adds r0, #1; {_END}",
    "sev": f"movs r0, #5; sev; dsb; isb; adds r0, #1; {_END}",
    "yield in an IT block": f"movs r0, #5; cmp r0, #5; ittt eq; addeq r0, #1; yieldeq;"
    f"addeq r0, #1; {_END}",
    "svc": f"movs r0, #5; svc 3; {_END}",
    "udf": f"movs r0, #5; adds r0, #1; udf #1; {_END}",
    "divide by zero": f"movs r0, #7; movs r1, #0; sdiv r0, r0, r1; udiv r2, r1, r1;"
    f"adds r0, r0, r2; {_END}",
    "cpuid": f"{_TO.format(0xE000ED00)} ldr r0, [r6]; {_END}",
    "cpuid in an IT block": f"{_TO.format(0xE000ED00)} movs r0, #0; cmp r0, #0; itte eq;"
    f"ldreq r0, [r6]; lsreq r0, r0, #24; movne r0, #1; {_END}",
    "no cpuid in an IT block": f"{_TO.format(0xE000ED00)} movs r0, #9; cmp r0, #0; itt eq;"
    f"ldreq r0, [r6]; lsreq r0, r0, #24; {_END}",
    "part of cpuid": f"{_TO.format(0xE000ED00)} ldrb r0, [r6, #3]!; subs r6, r6, #2;"
    f"ldrh r1, [r6], #2; lsls r1, r1, #8; adds r0, r0, r1; {_END}",
    "systick": f"{_TO.format(0xE000E010)} movw r1, #999; str r1, [r6, #4]; movs r1, #5;"
    f"str r1, [r6]; ldr r0, [r6, #8]; nop; nop; nop; nop; ldr r1, [r6, #8];"
    f"subs r0, r0, r1; {_END}",
    "counter off": f"{_TO.format(0xE0001004)} ldr r0, [r6]; nop; ldr r1, [r6]; orrs r0, r1; {_END}",
    "counted loop": f"{_COUNTER_ON} {_TO.format(0xE0001004)} movw r2, #1000; ldr r0, [r6];"
    f"1: adds r3, r3, #1; subs r2, r2, #1; bne 1b; ldr r1, [r6]; subs r0, r1, r0; {_END}",
    "counter set": f"{_COUNTER_ON} {_TO.format(0xE0001004)} movs r0, #0; str r0, [r6]; nop;"
    f"ldr r0, [r6]; {_END}",
    "reset request": f"{_TO.format(0xE000ED0C)} ldr r1, =0x05FA0004; str r1, [r6]; {_END}",
    "fault in an IT block": "movs r0, #0; cmp r0, #0; itete eq; addeq r0, #1; ldrne r1, [r1];"
    "ldreq r1, [r6]; addne r0, #1",
    "forever": "1: adds r0, #1; b 1b",
    "forever in an IT block": "1: cmp r0, r0; itt eq; addeq r1, #1; beq 1b",
}


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    """All programs, assembled."""
    return assemble(PROGRAMS)


@pytest.fixture(params=["memoised", "stepped"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Both engines."""
    return request.param  # type: ignore[no-any-return]


class Bench:
    """Runs the programs by name."""

    def __init__(self, images: dict[str, bytes], engine: Engine, folder: Path) -> None:
        self.images, self.engine, self.folder = images, engine, folder

    def machine(self, name: str, profile: str = "ideal-m7") -> Machine:
        path = self.folder / "image.bin"
        path.write_bytes(self.images[name])
        return Machine(path, profile, engine=self.engine, base=FLASH)

    def run(self, name: str, profile: str = "ideal-m7") -> RunResult:
        return self.machine(name, profile).run(max_instructions=100_000)

    def fault(self, name: str, profile: str = "ideal-m7") -> FaultReport:
        result = self.run(name, profile)
        assert result.exit.reason == "fault", result.exit
        assert result.fault is not None
        return result.fault


@pytest.fixture
def bench(images: dict[str, bytes], engine: Engine, tmp_path: Path) -> Bench:
    """Programs on one engine."""
    return Bench(images, engine, tmp_path)


@pytest.mark.parametrize(
    ("profile", "model"),
    [
        ("ideal-m0", arm_const.UC_CPU_ARM_CORTEX_M0),
        ("ideal-m0plus", arm_const.UC_CPU_ARM_CORTEX_M0),
        ("ideal-m3", arm_const.UC_CPU_ARM_CORTEX_M3),
        ("ideal-m4", arm_const.UC_CPU_ARM_CORTEX_M4),
        ("ideal-m7", arm_const.UC_CPU_ARM_CORTEX_M7),
    ],
)
def test_model_is_the_board_s(profile: str, model: int) -> None:
    """The M-profile mode of Unicorn, which forces the Cortex-M33, is not used."""
    guest = Guest(load_profile(profile))
    assert guest.uc.ctl_get_cpu_model() == model
    assert not guest.uc.ctl_get_mode() & unicorn.UC_MODE_MCLASS


def test_double_precision_is_the_m7_s(bench: Bench) -> None:
    """It runs on the M7, and is an undefined instruction on the M4."""
    assert bench.run("double").exit.code == 6
    assert "undefined instruction" in bench.fault("double", "ideal-m4").kind


def test_fpu_faults_until_enabled(bench: Bench) -> None:
    """Firmware that forgets CPACR is told so, at the instruction."""
    fault = bench.fault("fpu off")
    assert "no coprocessor" in fault.kind
    assert "CPACR" in fault.message
    assert fault.address == ENTRY + 2
    assert bench.run("fpu on").exit.code == 6


@pytest.mark.parametrize("name", UNALIGNED)
def test_unaligned_access_faults(bench: Bench, name: str) -> None:
    """Instructions without an unaligned form fault, and nothing behind them ran."""
    fault = bench.fault(f"unaligned {name}")
    assert "unaligned" in fault.kind
    assert name.removesuffix(".64") in fault.message
    assert fault.registers["r0"] == 2


@pytest.mark.parametrize("name", ALLOWED_UNALIGNED)
def test_unaligned_access_is_allowed(bench: Bench, name: str) -> None:
    """Single loads and stores, and exclusives of their own size, are not refused."""
    assert bench.run(f"allowed {name}").exit.code == 3


@pytest.mark.parametrize("name", NOWHERE)
def test_jump_to_nowhere(bench: Bench, name: str) -> None:
    """The report names where execution went."""
    fault = bench.fault(f"jump {name}")
    assert "fetch" in fault.kind
    assert f"{NOWHERE[name] & ~1:#010x}" in fault.message


def test_exception_return_in_thread_mode(bench: Bench) -> None:
    """EXC_RETURN without an exception is a fault."""
    assert bench.run("exception return").exit.reason == "fault"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("read unmapped", "read from 0x10000000, where this board has no memory"),
        ("write unmapped", "wrote to 0x10000004, where this board has no memory"),
        ("write flash", "wrote to 0x08000100, in flash, which a store cannot change"),
        ("ldm over the end", "read from 0x20400000, where this board has no memory"),
        ("stm over the end", "wrote to 0x20400000, where this board has no memory"),
    ],
)
def test_bad_access(bench: Bench, name: str, says: str) -> None:
    """The report has the instruction in the middle of its block, and the address."""
    fault = bench.fault(name)
    assert fault.kind == "BusFault"
    assert says in fault.message
    assert fault.registers["r0"] == 2
    assert fault.address == fault.registers["pc"]
    assert bench.run(name).instructions == 3


@pytest.mark.parametrize(("name", "reason"), [("wfe", "idle"), ("wfi", "idle")])
def test_waiting_ends_the_run(bench: Bench, name: str, reason: str) -> None:
    """Nothing will wake it, so the run is over, with the wait counted."""
    machine = bench.machine(name)
    result = machine.run()
    assert result.exit.reason == reason
    assert machine.guest.register(0) == 5
    assert result.instructions == 2


@pytest.mark.parametrize(
    ("name", "code", "instructions"),
    [("yield", 7, 6), ("sev", 6, 6), ("yield in an IT block", 7, 7), ("divide by zero", 0, 6)],
)
def test_hints_go_on(bench: Bench, name: str, code: int, instructions: int) -> None:
    """Hints and barriers are passed, and SDIV by zero gives zero."""
    result = bench.run(name)
    assert (result.exit.reason, result.exit.code) == ("exit", code)
    assert result.instructions == instructions


def test_supervisor_call(bench: Bench) -> None:
    """Exceptions are not simulated; the report says which instruction asked for one."""
    fault = bench.fault("svc")
    assert "supervisor call" in fault.message
    assert f"{ENTRY + 2:#010x}" in fault.message


def test_undefined_instruction(bench: Bench) -> None:
    """UDF faults where it stands, in the middle of a block."""
    fault = bench.fault("udf")
    assert "undefined" in fault.kind
    assert fault.address == ENTRY + 4
    assert fault.registers["r0"] == 6
    assert bench.run("udf").instructions == 2


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("cpuid", 0x411FC271),
        ("cpuid in an IT block", 0x41),
        ("no cpuid in an IT block", 9),
        ("part of cpuid", 0x41 + (0x1FC2 << 8)),
        ("counter off", 0),
    ],
)
def test_private_peripherals(bench: Bench, name: str, code: int) -> None:
    """Loads of any size, indexed and predicated, reach the simulated registers."""
    assert bench.run(name).exit.code == code


def test_peripheral_access_counts_once(bench: Bench) -> None:
    """An access that Unicorn refuses and the machine carries out is one instruction."""
    assert bench.run("cpuid").instructions == 3
    assert bench.run("cpuid in an IT block").instructions == 8


def test_systick_counts_down(bench: Bench) -> None:
    """It counts core cycles."""
    assert 1 <= (bench.run("systick").exit.code or 0) <= 8


@pytest.mark.parametrize(("profile", "cycles"), [("ideal-m4", 4000), ("ideal-m7", 2000)])
def test_cycle_counter_is_the_engine_s(bench: Bench, profile: str, cycles: int) -> None:
    """CYCCNT around a loop is what the loop costs: 4 on the M4, at most 2 on the M7."""
    counted = bench.run("counted loop", profile).exit.code
    assert counted is not None
    assert cycles * 0.7 <= counted <= cycles + 40


def test_cycle_counter_can_be_set(bench: Bench) -> None:
    """A written counter goes on from there."""
    assert 0 < (bench.run("counter set").exit.code or 0) < 10


def test_reset_request_ends_the_run(bench: Bench) -> None:
    """A system reset is an exit, not an endless loop."""
    assert bench.run("reset request").exit.reason == "exit"


def test_it_state_does_not_leak(bench: Bench, images: dict[str, bytes]) -> None:
    """After a fault inside an IT block, the next call runs all its instructions."""
    machine = bench.machine("fault in an IT block")
    code = images["allowed ldr"][8:]
    machine.write(RAM + 0x100, code.replace(b"\x00\xbe", b"\x70\x47"))  # BX LR for BKPT 0
    machine.guest.set_register(6, 0x1000_0000)
    with pytest.raises(SimulationFault, match="0x10000000"):
        machine.call(ENTRY)
    assert machine.call(RAM + 0x100).value == 3


@pytest.mark.parametrize("address", [RAM + 0x200, FLASH + 0x2000])
def test_rewritten_code_is_seen(bench: Bench, address: int) -> None:
    """What the host writes over translated code runs at the next call, and is priced anew."""
    machine = bench.machine("forever")
    machine.write(address, bytes.fromhex("01207047"))  # movs r0, #1; bx lr
    assert machine.call(address).value == 1
    machine.write(address, bytes.fromhex("022001300130013001307047"))  # movs r0, #2; adds ...
    result = machine.call(address)
    assert (result.value, result.instructions) == (6, 6)


def test_code_runs_only_where_it_may(bench: Bench) -> None:
    """Core-coupled memory of the STM32F4 has no path for instruction fetches."""
    machine = bench.machine("forever", "stm32f407g-disc1")
    machine.write(0x1000_0000, bytes.fromhex("01207047"))
    with pytest.raises(SimulationFault, match="ccm, from which code cannot run"):
        machine.call(0x1000_0000)


@pytest.mark.parametrize("name", ["forever", "forever in an IT block"])
def test_instruction_limit(bench: Bench, name: str) -> None:
    """A program that never ends is stopped close to the limit, even inside an IT block."""
    result = bench.machine(name).run(max_instructions=1000)
    assert result.exit.reason == "instruction_limit"
    assert 1000 <= result.instructions < 1010


def test_time_limit(bench: Bench) -> None:
    """A limit in seconds of the host holds on both engines."""
    result = bench.machine("forever").run(timeout_s=0.2)
    assert result.exit.reason == "time_limit"
