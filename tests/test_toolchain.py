"""Building images: same bytes everywhere, a cache that notices changes, errors that help."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs
from elftools.elf.elffile import ELFFile

from thumbclock import toolchain as module
from thumbclock.errors import UsageError
from thumbclock.firmware import program
from thumbclock.profiles import Profile, load_profile, parse_placement
from thumbclock.toolchain import (
    BuiltImage,
    CompileError,
    MemoryOverflowError,
    Source,
    build,
    cache_directory,
    find_toolchain,
)

both_toolchains = pytest.mark.parametrize(
    "toolchain", ["zig", pytest.param("gcc", marks=pytest.mark.needs_gcc)]
)


@pytest.fixture
def h743() -> Profile:
    """A Cortex-M7 board with five kinds of memory."""
    return load_profile("nucleo-h743zi")


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own; it shares the user's compiler-rt, which takes seconds to build."""
    shared = cache_directory()
    root = tmp_path / "cache"
    root.mkdir()
    (root / "runtime").symlink_to(shared / "runtime")
    monkeypatch.setenv("THUMBCLOCK_CACHE", str(root))
    return root


def returning(value: int) -> Source:
    """Write a program that does nothing but return a value."""
    return Source.generated("main.c", f"int main(void) {{ return {value}; }}\n")


def instructions(image: BuiltImage, function: str) -> list[str]:
    """Disassemble a function of an image; one text per instruction."""
    with image.elf.open("rb") as file:
        elf = ELFFile(file)
        symbol = elf.get_section_by_name(".symtab").get_symbol_by_name(function)[0]
        section = elf.get_section(symbol["st_shndx"])
        start = (symbol["st_value"] & ~1) - section["sh_addr"]
        code = section.data()[start : start + symbol["st_size"]]
    decoder = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
    return [f"{i.mnemonic} {i.op_str}" for i in decoder.disasm(code, 0)]


def project(folder: Path) -> tuple[Source, ...]:
    """Write C with a header of its own, __FILE__ and assembly; return it as sources."""
    folder.mkdir(parents=True)
    (folder / "value.h").write_text("static inline int value(void) { return 7; }\n")
    (folder / "main.c").write_text(
        '#include "value.h"\nint helper(void);\nconst char *volatile where = __FILE__;\n'
        "int main(void) { return value() + helper() + (where == 0); }\n"
    )
    (folder / "helper.S").write_text(
        ".syntax unified\n.thumb\n.text\n.global helper\n.thumb_func\n"
        ".type helper, %function\nhelper:\n  movs r0, #1\n  bx lr\n"
    )
    return (Source.file(folder / "main.c"), Source.file(folder / "helper.S"))


@both_toolchains
def test_same_bytes_from_any_folder_and_cache(
    toolchain: str, h743: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two builds share nothing but the contents of their sources; one has an empty cache."""
    compiler = find_toolchain(toolchain)
    images: list[BuiltImage] = []
    for place in ("one", "another/place"):
        sources = project(tmp_path / place / "project")
        current = tmp_path / place / "current"
        current.mkdir()
        monkeypatch.chdir(current)
        if images:
            monkeypatch.setenv("THUMBCLOCK_CACHE", str(tmp_path / place / "cache"))
        images.append(build(program(sources, h743), compiler))
        assert list(current.iterdir()) == []
    first, second = (image.elf.read_bytes() for image in images)
    assert first == second
    assert images[0].elf != images[1].elf
    for private in (str(tmp_path), str(compiler.directory), str(Path(module.__file__).parent)):
        assert private.encode() not in first


@both_toolchains
def test_debug_information_names_sources(toolchain: str, h743: Profile, tmp_path: Path) -> None:
    """Line tables are there, with names that do not depend on the machine."""
    image = build(program(project(tmp_path / "project"), h743), find_toolchain(toolchain))
    with image.elf.open("rb") as file:
        dwarf = ELFFile(file).get_dwarf_info()
        names = {unit.get_top_DIE().get_full_path() for unit in dwarf.iter_CUs()}
        directories = {
            directory.decode()
            for unit in dwarf.iter_CUs()
            if (lines := dwarf.line_program_for_CU(unit)) is not None
            for directory in lines["include_directory"]
        }
    assert any(name.endswith("main.c") for name in names)
    assert any(name.endswith("thumbclock/firmware/startup.c") for name in names)
    assert not any(os.path.isabs(name) for name in names | directories)


def test_second_build_does_not_call_the_compiler(
    h743: Profile, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that is kept is returned as it is."""
    compiler = find_toolchain()
    first = build(program((returning(1),), h743), compiler)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the compiler was called")

    monkeypatch.setattr(subprocess, "run", refuse)
    assert build(program((returning(1),), h743), compiler) == first
    assert first.elf.is_relative_to(fresh_cache)


def test_image_records_how_it_was_built(h743: Profile) -> None:
    """The compiler's version and flags are recorded; the flags name no path."""
    image = build(program((returning(2),), h743, optimisation="-O2", defines={"N": 4}))
    assert image.toolchain.name == "zig"
    assert image.toolchain.version == version("ziglang")
    assert {"-O2", "-DN=4", "-mcpu=cortex_m7+fp_armv8d16"} <= set(image.toolchain.flags)
    assert not any(os.sep in flag for flag in image.toolchain.flags)
    assert image.command[-1] == str(image.elf)


@pytest.mark.usefixtures("fresh_cache")
def test_changed_header_is_noticed(h743: Profile, tmp_path: Path) -> None:
    """A header that a header includes, found by -I, is part of what an image depends on."""
    include = tmp_path / "include"
    include.mkdir()
    (include / "outer.h").write_text("#include <inner.h>\n")
    source = Source.generated("main.c", '#include "outer.h"\nint main(void) { return N; }\n')
    images = []
    for value in (3, 4, 3):
        (include / "inner.h").write_text(f"#define N {value}\n")
        images.append(build(program((source,), h743, include_dirs=(include,))))
    assert images[0] == images[2]
    assert images[0].sha256 != images[1].sha256


@pytest.mark.usefixtures("fresh_cache")
def test_header_named_by_a_macro_is_noticed(h743: Profile, tmp_path: Path) -> None:
    """Where only the preprocessor knows what is included, nothing old is returned."""
    source = Source.generated(
        "main.c", '#define FILE "n.h"\n#include FILE\nint main(void) { return N; }\n'
    )
    digests = []
    for value in (3, 4):
        (tmp_path / "n.h").write_text(f"#define N {value}\n")
        digests.append(build(program((source,), h743, include_dirs=(tmp_path,))).sha256)
    assert digests[0] != digests[1]


@pytest.mark.usefixtures("fresh_cache")
def test_damaged_image_is_built_again(h743: Profile) -> None:
    """A file of the cache that lost its content is not trusted."""
    first = build(program((returning(5),), h743))
    first.elf.write_bytes(b"")
    assert build(program((returning(5),), h743)) == first
    assert first.elf.stat().st_size > 0


@pytest.mark.usefixtures("fresh_cache")
def test_parallel_builds_of_one_image(h743: Profile) -> None:
    """Builders that start together get the same image, and leave nothing behind."""
    request = program((returning(6),), h743)
    with ThreadPoolExecutor(4) as pool:
        images = list(pool.map(lambda _: build(request), range(4)))
    assert len(set(images)) == 1
    assert list((cache_directory() / "tmp").iterdir()) == []


@both_toolchains
def test_floating_point_uses_the_fpu(toolchain: str, h743: Profile) -> None:
    """The M7's unit computes doubles, the M4's floats; a square root is one instruction."""
    text = (
        "volatile double d; volatile float f;\n"
        "__attribute__((noinline)) void compute(void)\n"
        "{ d = d * 3.0; f = __builtin_sqrtf(f); }\n"
        "int main(void) { compute(); return 0; }\n"
    )
    m7 = build(program((Source.generated("main.c", text),), h743), find_toolchain(toolchain))
    code = instructions(m7, "compute")
    assert any(line.startswith("vmul.f64") for line in code)
    assert any(line.startswith("vsqrt.f32") for line in code)
    assert not any(line.startswith("bl") and not line.startswith("bx") for line in code)

    m4_profile = load_profile("nucleo-l4r5zi")
    m4 = build(program((Source.generated("main.c", text),), m4_profile), find_toolchain(toolchain))
    code = instructions(m4, "compute")
    assert not any(".f64" in line for line in code)
    assert any(line.startswith("vsqrt.f32") for line in code)


@both_toolchains
def test_memcpy_of_a_word_is_a_load(toolchain: str, h743: Profile) -> None:
    """Kernels read packed words through memcpy; that must not cost a call."""
    text = (
        "#include <stdint.h>\n#include <string.h>\n"
        "__attribute__((noinline)) uint32_t read_word(const void *p)\n"
        "{ uint32_t w; memcpy(&w, p, 4); return w; }\n"
        "volatile uint32_t out; char in[8];\n"
        "int main(void) { out = read_word(in + 1); return 0; }\n"
    )
    image = build(program((Source.generated("main.c", text),), h743), find_toolchain(toolchain))
    code = instructions(image, "read_word")
    assert code[0].startswith("ldr")
    assert not any(line.startswith("bl ") for line in code)


def test_optimisation_level_reaches_clang(h743: Profile) -> None:
    """By itself zig compiles -O3 as -O2; only -O3 turns a pointer argument into a value."""
    text = (
        "static __attribute__((noinline)) int get(const int *const *p) { return **p + 1; }\n"
        "int x = 4;\n"
        "int main(void) { const int *volatile q = &x; const int *r = q; return get(&r); }\n"
    )
    codes = {
        level: instructions(
            build(program((Source.generated("main.c", text),), h743, optimisation=level)), "get"
        )
        for level in ("-O2", "-O3")
    }
    assert len(codes["-O3"]) < len(codes["-O2"])


def test_compile_error_shows_message_and_command(h743: Profile) -> None:
    """The compiler's own words, with the place in the source, and what was run."""
    source = Source.generated("broken.c", "int main(void)\n{ return nowhere; }\n")
    with pytest.raises(CompileError) as caught:
        build(program((source,), h743))
    message = str(caught.value)
    assert "broken.c:2" in message
    assert "undeclared identifier 'nowhere'" in message
    assert "-mcpu=cortex_m7" in message
    assert caught.value.exit_code == 2


@both_toolchains
def test_firmware_compiles_without_warnings(toolchain: str, h743: Profile) -> None:
    """What every program is built with gives a user's -Werror nothing to stop at."""
    source = Source.generated("kernel.c", "void tc_kernel(void);\nvoid tc_kernel(void) {}\n")
    flags = ("-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes", "-Werror")
    request = program((source,), h743, harness=True, extra_flags=flags)
    assert "tc_ready" in build(request, find_toolchain(toolchain)).elf.read_bytes().decode("latin1")


@both_toolchains
def test_undefined_symbol_is_named(toolchain: str, h743: Profile) -> None:
    """A linker's refusal arrives in its own words, too."""
    source = Source.generated("main.c", "int gone(void); int main(void) { return gone(); }\n")
    with pytest.raises(CompileError, match=r"undefined .*gone"):
        build(program((source,), h743), find_toolchain(toolchain))


@both_toolchains
def test_overflow_of_data_and_stack(toolchain: str, h743: Profile) -> None:
    """The message says what is needed, what there is besides the stack, and what can be done."""
    place = parse_placement("data=dtcm,constants=flash,weights=flash,stack=dtcm", h743.board)
    text = "volatile int n;\nchar a[200000];\nint main(void) { return a[n]; }\n"
    with pytest.raises(MemoryOverflowError) as caught:
        build(program((Source.generated("main.c", text),), h743, place), find_toolchain(toolchain))
    error = caught.value
    assert error.memory == "dtcm"
    assert error.available_bytes == (128 - 16) * 1024
    assert 200_000 < error.needed_bytes < 200_100
    message = str(error)
    assert f"it needs {error.needed_bytes} bytes there and has 114688 besides the stack" in message
    assert "--place data=NAME" in message
    assert "axi_sram 524288" in message


@both_toolchains
def test_overflow_of_weights(toolchain: str, h743: Profile) -> None:
    """A memory that holds weights alone has its whole size for them."""
    place = parse_placement("weights=sram4", h743.board)
    text = (
        '#include "thumbclock.h"\nvolatile int n;\n'
        "TC_WEIGHTS const char a[100000] = {1};\nint main(void) { return a[n]; }\n"
    )
    with pytest.raises(MemoryOverflowError, match=r"--place weights=NAME") as caught:
        build(program((Source.generated("main.c", text),), h743, place), find_toolchain(toolchain))
    assert caught.value.memory == "sram4"
    assert caught.value.available_bytes == 64 * 1024
    assert caught.value.needed_bytes == 100_000


def test_missing_gcc_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without arm-none-eabi-gcc the error names the package, and zig as the way without."""
    monkeypatch.setenv("PATH", str(tmp_path))
    module._find_toolchain.cache_clear()
    with pytest.raises(UsageError, match=r"apt install gcc-arm-none-eabi.*--toolchain zig"):
        find_toolchain("gcc")


def test_unknown_toolchain_lists_what_is_expected() -> None:
    """A name that is no path is answered with the names there are."""
    with pytest.raises(UsageError, match=r"'icc': expected zig, gcc, or the path"):
        find_toolchain("icc")


def test_program_that_is_no_compiler_is_refused(tmp_path: Path) -> None:
    """A path is asked for its version before it is used."""
    script = tmp_path / "driver"
    script.write_text("#!/bin/sh\necho hello\n")
    with pytest.raises(UsageError, match="cannot run"):
        find_toolchain(script)
    script.chmod(0o755)
    with pytest.raises(UsageError, match="does not look like a compiler"):
        find_toolchain(script)


def test_clang_by_path(h743: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clang that is not zig's driver works with its own linker and target options."""
    zig = find_toolchain("zig").directory
    tools = {
        "clang": f'clang -isystem {zig}/lib/include -Wno-unused-command-line-argument "$@"',
        "ld.lld": 'ld.lld "$@"',
    }
    for name, command in tools.items():
        (tmp_path / name).write_text(f"#!/bin/sh\nexec {zig}/zig {command}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    image = build(program((returning(9),), h743), find_toolchain(tmp_path / "clang"))
    assert image.toolchain.name == "clang"
    assert "--target=arm-none-eabi" in image.toolchain.flags
    assert "movs r0, #9" in instructions(image, "main")


def test_cache_that_cannot_be_written(
    h743: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the folder and the variable that moves it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("THUMBCLOCK_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(UsageError, match="set THUMBCLOCK_CACHE"):
        build(program((returning(0),), h743))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimisation": "-O7"}, "'-O7' is not one of -O0"),
        ({"include_dirs": (Path("/nowhere"),)}, "no include folder at /nowhere"),
    ],
)
def test_bad_request_is_refused(h743: Profile, change: dict[str, object], message: str) -> None:
    """What a compiler would ignore or misread is refused before it runs."""
    with pytest.raises(UsageError, match=message):
        build(program((returning(0),), h743, **change))


def test_missing_source_is_refused(tmp_path: Path) -> None:
    """A path that is no file is named in full."""
    with pytest.raises(UsageError, match=f"no source file at {tmp_path / 'gone.c'}"):
        Source.file(tmp_path / "gone.c")


def test_import_is_light() -> None:
    """Importing the toolchain does not import numerical packages."""
    code = "import sys, thumbclock.toolchain, thumbclock.firmware\n"
    code += "print([m for m in ('numpy', 'numba', 'unicorn', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
