"""Cross-compilers: from C and assembly to an ELF image, reproducibly and kept in a cache.

Three kinds are known by name or path: ``zig`` (clang from the ziglang package, the default, pinned
so that every user gets the same code and hence the same cycles), ``gcc`` (arm-none-eabi-gcc on
PATH), and the path of any driver that understands gcc's options.

An image depends on the contents of its inputs and on nothing else: not on the current directory,
the user, or where sources lie. Paths that reach debug information are mapped to names that are
the same everywhere.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol, Self

from thumbclock import assets
from thumbclock.errors import UsageError
from thumbclock.profiles import Placement, Profile

__all__ = [
    "BuildRequest",
    "BuiltImage",
    "CompileError",
    "MemoryOverflowError",
    "Source",
    "Toolchain",
    "ToolchainInfo",
    "build",
    "cache_directory",
    "find_toolchain",
]

_CACHE_LAYOUT = "1"  # part of every key: raise it when what is kept changes
_OPTIMISATIONS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz")
_ENTRY = "Reset_Handler"
_RECORD = "build.json"

_COMMON_FLAGS = (
    "-g",
    "-gdwarf-4",  # one version of the line tables, whichever compiler wrote them
    "-ffunction-sections",
    "-fdata-sections",
    "-fomit-frame-pointer",  # zig keeps frame pointers unless told otherwise
    "-fno-math-errno",  # there is no errno: sqrtf and fmaf are one instruction
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
)
_LINK_FLAGS = (
    "-static",
    "-nostdlib",
    "-Wl,--gc-sections",
    "-Wl,--build-id=none",
    f"-Wl,--entry={_ENTRY}",
    "-Wl,-z,max-page-size=4096",  # segments need no 64 KiB steps in the file
)

# Compilers read these as further options; a build must not depend on them.
_UNWANTED_ENVIRONMENT = (
    "CCC_OVERRIDE_OPTIONS",
    "COMPILER_PATH",
    "CPATH",
    "CPLUS_INCLUDE_PATH",
    "C_INCLUDE_PATH",
    "DEPENDENCIES_OUTPUT",
    "GCC_EXEC_PREFIX",
    "LIBRARY_PATH",
    "SUNPRO_DEPENDENCIES",
    "ZIG_LIB_DIR",
)


class CompileError(UsageError):
    """A compiler or linker refused; carries its own message and the command.

    Attributes:
        compiler_message: What the tool wrote to standard error.
        command: The command as an argument vector.
    """

    def __init__(self, summary: str, compiler_message: str, command: tuple[str, ...]) -> None:
        self.compiler_message = compiler_message
        self.command = command
        said = compiler_message.strip() or "(the compiler said nothing)"
        super().__init__(f"{summary}\n{said}\nThe command was: {shlex.join(command)}")


class MemoryOverflowError(CompileError):
    """A program does not fit into a memory.

    Attributes:
        memory: Name of the memory.
        available_bytes: What it offers to the program.
        needed_bytes: What the program needs of it.
    """

    def __init__(
        self,
        summary: str,
        compiler_message: str,
        command: tuple[str, ...],
        *,
        memory: str,
        available_bytes: int,
        needed_bytes: int,
    ) -> None:
        super().__init__(summary, compiler_message, command)
        self.memory = memory
        self.available_bytes = available_bytes
        self.needed_bytes = needed_bytes


@dataclass(frozen=True)
class ToolchainInfo:
    """Which compiler made an image, and how.

    Attributes:
        name: ``zig``, ``arm-none-eabi-gcc`` or the file name of the user's driver.
        version: Its version number.
        flags: The options that decide which code comes out; no paths.
    """

    name: str
    version: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A C or assembly file, on disk or generated.

    Attributes:
        name: File name; its suffix tells the language.
        path: Where it lies, or None for generated text.
        text: The generated text, or None for a file.
    """

    name: str
    path: Path | None = None
    text: str | None = None

    @classmethod
    def file(cls, path: str | Path) -> Self:
        """Name a file on disk.

        Raises:
            UsageError: There is no such file.
        """
        absolute = Path(os.path.abspath(path))
        if not absolute.is_file():
            raise UsageError(f"no source file at {absolute}; give the path of a C or assembly file")
        return cls(absolute.name, path=absolute)

    @classmethod
    def generated(cls, name: str, text: str) -> Self:
        """Wrap generated text under a file name, e.g. ``arrays.c``."""
        return cls(name, text=text)

    def read_bytes(self) -> bytes:
        """Return the source's text as bytes."""
        return (self.text or "").encode() if self.path is None else self.path.read_bytes()


@dataclass(frozen=True)
class BuildRequest:
    """Everything an image depends on, besides the compiler.

    Attributes:
        sources: Compiled and linked in this order.
        profile: Decides the instruction set.
        linker_script: The script's text, e.g. of `thumbclock.firmware.linker_script`.
        placement: What the script was made for; messages refer to it.
        include_dirs: Searched in this order.
        fallback_include_dirs: Searched after the compiler's own.
        defines: Macro name -> value.
        optimisation: ``-O0`` to ``-O3``, ``-Os`` or ``-Oz``; means the same for every compiler.
        extra_flags: Further compiler options; file names in them must be absolute.
        name: Name of the ELF file without its suffix.
    """

    sources: tuple[Source, ...]
    profile: Profile
    linker_script: str
    placement: Placement | None = None
    include_dirs: tuple[Path, ...] = ()
    fallback_include_dirs: tuple[Path, ...] = ()
    defines: Mapping[str, str | int] = field(default_factory=dict)
    optimisation: str = "-O3"
    extra_flags: tuple[str, ...] = ()
    name: str = "image"


@dataclass(frozen=True)
class BuiltImage:
    """An ELF image in the cache.

    Attributes:
        elf: Its path; owned by the cache, not to be changed.
        toolchain: The compiler with all flags that decided the code.
        command: The command that built it.
        sha256: Of the ELF file, in hexadecimal.
    """

    elf: Path
    toolchain: ToolchainInfo
    command: tuple[str, ...]
    sha256: str


class Toolchain(Protocol):
    """A compiler driver that takes gcc's options."""

    @property
    def info(self) -> ToolchainInfo:
        """Name, version and the flags of every build."""

    @property
    def identity(self) -> str:
        """Text that differs whenever the compiler may generate different code."""

    @property
    def driver(self) -> tuple[str, ...]:
        """The start of every command."""

    @property
    def directory(self) -> Path:
        """Where its own headers lie; not to appear in debug information."""

    def code_flags(self, profile: Profile, optimisation: str) -> tuple[str, ...]:
        """Return the flags that select core and optimisation."""

    def libraries(self, profile: Profile, cache_root: Path) -> tuple[str, ...]:
        """Return the link options for the compiler's run-time library, built where need be."""


# ---------------------------------------------------------------- finding a compiler

# zig's Cortex-M4 and M7 pass floating point in FPU registers but compute it in software, unless
# the unit is asked for.
_ZIG_FPU_FEATURES = {
    "fpv4-sp-d16": "+vfp4d16sp",
    "fpv5-sp-d16": "+fp_armv8d16sp",
    "fpv5-d16": "+fp_armv8d16",
}
_ZIG_FLAGS = (
    "-fhosted",  # zig says -ffreestanding here, and then a memcpy of one word is a call
    "-fno-sanitize=all",  # on in zig's debug mode
    "-UNDEBUG",  # defined in its release modes
)
# Freestanding, so that no C library is needed; -fbuiltin, so that memcpy of a word is a load.
_GCC_FLAGS = ("-ffreestanding", "-fbuiltin")
_CLANG_FLAGS = ("--target=arm-none-eabi", "-fhosted")


def find_toolchain(name: str | Path = "zig") -> Toolchain:
    """Return a compiler by name or path.

    Args:
        name: ``zig``, ``gcc``, or the path of a gcc- or clang-like driver.

    Raises:
        UsageError: It is not installed, or is no compiler.
    """
    return _find_toolchain(str(name))


@cache
def _find_toolchain(name: str) -> Toolchain:
    if name == "zig":
        return _Zig.find()
    if name == "gcc":
        found = shutil.which("arm-none-eabi-gcc")
        if found is None:
            raise UsageError(
                "no arm-none-eabi-gcc on PATH. Install it (Debian, Ubuntu: apt install "
                "gcc-arm-none-eabi; macOS: brew install --cask gcc-arm-embedded), or use "
                "--toolchain zig, which needs no installation"
            )
        return _Driver.find(Path(found))
    path = Path(os.path.abspath(name))
    if not path.is_file():
        raise UsageError(
            f"no toolchain {name!r}: expected zig, gcc, or the path of a compiler driver that "
            "takes gcc's options"
        )
    return _Driver.find(path)


@dataclass(frozen=True)
class _Zig:
    """Clang as it comes with the ziglang package."""

    info: ToolchainInfo
    directory: Path

    @classmethod
    def find(cls) -> Self:
        package = importlib.util.find_spec("ziglang")
        if package is None or package.origin is None:
            raise UsageError(
                "the Python package ziglang is not installed in this environment; install it "
                "(pip install ziglang), or use --toolchain gcc"
            )
        directory = Path(package.origin).parent
        version = _output([str(directory / "zig"), "version"]).strip()
        return cls(ToolchainInfo("zig", version, _ZIG_FLAGS), directory)

    @property
    def identity(self) -> str:
        return f"zig {self.info.version}"

    @property
    def driver(self) -> tuple[str, ...]:
        return (str(self.directory / "zig"), "cc")

    def code_flags(self, profile: Profile, optimisation: str) -> tuple[str, ...]:
        # zig turns -O3 into -O2; behind -Xclang it arrives as it is.
        return (*self._target(profile), optimisation, "-Xclang", optimisation)

    def libraries(self, profile: Profile, cache_root: Path) -> tuple[str, ...]:
        """Build compiler-rt without debug information, once per core.

        The one that zig would link by itself describes its own sources in 1.4 MB of DWARF.
        """
        target = self._target(profile)
        name = "_".join((self.info.version, *(part.strip("-") for part in target[1:])))
        archive = cache_root / "runtime" / name / "libcompiler_rt.a"
        if not archive.is_file():
            with _scratch(cache_root) as scratch:
                self._build_runtime(target, scratch / archive.name, cache_root)
                _publish(scratch, archive.parent)
        return (str(archive),)

    def _build_runtime(self, target: tuple[str, ...], archive: Path, cache_root: Path) -> None:
        source = self.directory / "lib" / "compiler_rt.zig"
        command = (
            str(self.directory / "zig"),
            "build-lib",
            *("--name", "compiler_rt"),
            *("-OReleaseFast", "-fstrip", "-ffunction-sections", "-fdata-sections"),
            *target,
            f"-femit-bin={archive}",
            str(source),
        )
        _compile(command, cache_root, shown=command)

    def _target(self, profile: Profile) -> tuple[str, ...]:
        if profile.fpu is None:
            return ("-target", "thumb-freestanding-eabi", f"-mcpu={profile.core.mcpu.zig}")
        features = _ZIG_FPU_FEATURES[profile.fpu]
        mcpu = f"-mcpu={profile.core.mcpu.zig}{features}"
        return ("-target", "thumb-freestanding-eabihf", mcpu)


@dataclass(frozen=True)
class _Driver:
    """A gcc- or clang-like driver on the user's machine."""

    info: ToolchainInfo
    path: Path
    identity: str
    directory: Path
    is_clang: bool

    @classmethod
    def find(cls, path: Path) -> Self:
        said = _output([str(path), "--version"])
        first_line = said.partition("\n")[0]
        # Distributions and vendors put numbers of their own in brackets before the compiler's.
        version = re.search(r"\b\d+\.\d+\.\d+\b", re.sub(r"\(.*\)", "", first_line))
        if version is None:
            raise UsageError(
                f"{path} does not look like a compiler: --version says {first_line!r}, expected "
                "a version such as 12.2.1"
            )
        is_clang = "clang" in said
        flags = _CLANG_FLAGS if is_clang else _GCC_FLAGS
        if is_clang:
            directory = Path(_output([str(path), "-print-resource-dir"]).strip())
        else:
            directory = Path(_output([str(path), "-print-libgcc-file-name"]).strip()).parent
        info = ToolchainInfo(path.name, version[0], flags)
        return cls(info, path, f"{path}\n{said}", directory, is_clang)

    @property
    def driver(self) -> tuple[str, ...]:
        return (str(self.path),)

    def code_flags(self, profile: Profile, optimisation: str) -> tuple[str, ...]:
        return (*self._core(profile), optimisation)

    def libraries(self, profile: Profile, cache_root: Path) -> tuple[str, ...]:  # noqa: ARG002
        if not self.is_clang:
            return ("-lgcc",)
        question = [str(self.path), *_CLANG_FLAGS, *self._core(profile), "--rtlib=compiler-rt"]
        library = Path(_output([*question, "-print-libgcc-file-name"]).strip())
        found = (str(library),) if library.is_file() else ()
        return ("-fuse-ld=lld", *found)

    def _core(self, profile: Profile) -> tuple[str, ...]:
        floating_point = (
            ("-mfloat-abi=soft",)
            if profile.fpu is None
            else ("-mfloat-abi=hard", f"-mfpu={profile.fpu}")
        )
        return (f"-mcpu={profile.core.mcpu.gcc}", "-mthumb", *floating_point)


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        raise UsageError(
            f"cannot run {command[0]}: {error.strerror}; expected a compiler"
        ) from None
    except subprocess.CalledProcessError as error:
        raise UsageError(
            f"{shlex.join(command)} failed ({error.stderr.strip() or error.returncode}); expected "
            "a compiler driver that takes gcc's options"
        ) from None
    return done.stdout


# ---------------------------------------------------------------- building


def build(request: BuildRequest, toolchain: Toolchain | None = None) -> BuiltImage:
    """Compile and link an image, or return it from the cache.

    Args:
        request: What to build.
        toolchain: The compiler; zig where none is given.

    Raises:
        CompileError: The compiler or linker refused.
        MemoryOverflowError: The program is larger than a memory.
        UsageError: An input or option is not valid, or the cache cannot be written.
    """
    compiler = toolchain or find_toolchain()
    _check(request)
    root = cache_directory()
    try:
        recipe = _recipe(request, compiler, root)
        image = root / "images" / _key(recipe, request, compiler)
        return _load(image) or _build_into(image, recipe, request, compiler, root)
    except OSError as error:
        raise _cache_unusable(root, error) from None


def cache_directory() -> Path:
    """Return the folder for built images and the compilers' own caches, made where need be.

    It is ``$THUMBCLOCK_CACHE``, else ``thumbclock`` in the user's cache directory.

    Raises:
        UsageError: It cannot be made.
    """
    stated = os.environ.get("THUMBCLOCK_CACHE")
    if stated:
        root = Path(os.path.abspath(stated))
    else:
        default = "Library/Caches" if sys.platform == "darwin" else ".cache"
        base = os.environ.get("XDG_CACHE_HOME")
        root = (Path(base) if base else Path.home() / default) / "thumbclock"
    try:
        for folder in ("images", "runtime", "sources", "tmp", "work", "zig"):
            (root / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cache_unusable(root, error) from None
    return root


def _cache_unusable(root: Path, error: OSError) -> UsageError:
    return UsageError(
        f"cannot build with the cache {root}: {error.strerror} ({error.filename}); make it "
        "writable, or set THUMBCLOCK_CACHE to a folder that is"
    )


def _check(request: BuildRequest) -> None:
    if request.optimisation not in _OPTIMISATIONS:
        raise UsageError(
            f"optimisation {request.optimisation!r} is not one of {', '.join(_OPTIMISATIONS)}"
        )
    if not request.sources:
        raise UsageError("nothing to build: give at least one source")
    for directory in (*request.include_dirs, *request.fallback_include_dirs):
        if not directory.is_dir():
            raise UsageError(f"no include folder at {directory}; give one that exists")


@dataclass(frozen=True)
class _Recipe:
    """The parts of the commands that build an image."""

    compile: tuple[str, ...]
    sources: tuple[Path, ...]
    link: tuple[str, ...]
    libraries: tuple[str, ...]

    def in_one(self, output: str) -> tuple[str, ...]:
        """The whole build as one command, as people would type it."""
        sources = (str(path) for path in self.sources)
        return (*self.compile, *self.link, *sources, *self.libraries, "-o", output)

    def run(self, elf: Path, root: Path) -> None:
        """Compile each source to an object beside the image, and link them.

        Object names are ours because the GNU linker writes them into the symbol table, and
        those that gcc makes up are random.
        """
        objects = []
        for index, source in enumerate(self.sources):
            target = elf.with_name(f"{index:02}-{source.stem}.o")
            command = (*self.compile, "-c", str(source), "-o")
            _compile((*command, str(target)), root, shown=(*command, target.name))
            objects.append(str(target))
        command = (*self.compile, *self.link, *objects, *self.libraries, "-o", str(elf))
        _compile(command, root, shown=self.in_one(elf.name))
        for name in objects:
            Path(name).unlink()


def _build_into(
    image: Path, recipe: _Recipe, request: BuildRequest, compiler: Toolchain, root: Path
) -> BuiltImage:
    """Build into a folder of the cache, which appears there complete or not at all."""
    name = f"{request.name}.elf"
    with _scratch(root) as scratch:
        try:
            recipe.run(scratch / name, root)
        except CompileError as error:
            _raise_overflow(request, error)
            raise
        record = {
            "elf": name,
            "sha256": _sha256((scratch / name).read_bytes()),
            "command": recipe.in_one(str(image / name)),
            "name": compiler.info.name,
            "version": compiler.info.version,
            "flags": _recorded_flags(request, compiler),
        }
        (scratch / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        if image.is_dir() and _load(image) is None:  # damaged after it was built
            shutil.rmtree(image, ignore_errors=True)
        _publish(scratch, image)
    built = _load(image)
    if built is None:
        raise UsageError(f"{image} was changed while it was built; build again")
    return built


def _recipe(request: BuildRequest, compiler: Toolchain, root: Path) -> _Recipe:
    script = _store(root, "image.ld", request.linker_script.encode())
    paths = [
        source.path or _store(root, source.name, source.read_bytes()) for source in request.sources
    ]
    directories = [Path(os.path.abspath(path)) for path in request.include_dirs]
    fallbacks = [Path(os.path.abspath(path)) for path in request.fallback_include_dirs]
    maps = _prefix_maps(paths, directories, compiler, root)
    return _Recipe(
        compile=(
            *compiler.driver,
            *_recorded_flags(request, compiler),
            *(f"-I{directory}" for directory in directories),
            *(part for directory in fallbacks for part in ("-idirafter", str(directory))),
            # gcc passes only the first kind on to the assembler, so -ffile-prefix-map falls short.
            *(f"-fdebug-prefix-map={old}={new}" for old, new in maps),
            *(f"-fmacro-prefix-map={old}={new}" for old, new in maps),
        ),
        sources=tuple(paths),
        link=(*_LINK_FLAGS, "-T", str(script)),
        libraries=compiler.libraries(request.profile, root),
    )


def _recorded_flags(request: BuildRequest, compiler: Toolchain) -> tuple[str, ...]:
    return (
        *compiler.code_flags(request.profile, request.optimisation),
        *_COMMON_FLAGS,
        *compiler.info.flags,
        *(f"-D{name}={value}" for name, value in request.defines.items()),
        *request.extra_flags,
    )


def _prefix_maps(
    paths: list[Path], directories: list[Path], compiler: Toolchain, root: Path
) -> list[tuple[str, str]]:
    """Return (prefix, what debug information shows instead), the most specific one last.

    Where several match, the compilers take the last.
    """
    known = {root / "work": ".", compiler.directory: "toolchain"}
    for room in ("kernels", "firmware"):
        folder = assets.path(room)
        if any(path.is_relative_to(folder) for path in (*paths, *directories)):
            known[folder] = f"thumbclock/{room}"
    known |= {path.parent: "generated" for path in paths if root / "sources" in path.parents}
    users = [(path.parent, ".") for path in paths] + [(path, "include") for path in directories]
    for directory, shown in sorted(users):  # outer folders first: they cover what is in them
        if not any(directory.is_relative_to(prefix) for prefix in known):
            known[directory] = shown
    return sorted(((str(old), new) for old, new in known.items()), key=lambda item: len(item[0]))


def _compile(command: tuple[str, ...], root: Path, *, shown: tuple[str, ...]) -> None:
    """Run a compiler, away from the user's current directory and environment."""
    environment = {k: v for k, v in os.environ.items() if k not in _UNWANTED_ENVIRONMENT}
    environment |= {
        "LC_ALL": "C",
        "SOURCE_DATE_EPOCH": "0",
        "ZIG_GLOBAL_CACHE_DIR": str(root / "zig"),
        "ZIG_LOCAL_CACHE_DIR": str(root / "zig"),
    }
    done = subprocess.run(
        command,
        cwd=root / "work",  # compilers record it, and some leave files in it
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        summary = f"{Path(command[0]).name} failed with exit status {done.returncode}:"
        raise CompileError(summary, done.stderr, shown)


_OVERFLOWS = (
    # lld, then the GNU linker
    re.compile(r"will not fit in region '(?P<memory>[^']+)': overflowed by (?P<bytes>\d+) bytes"),
    re.compile(r"region `(?P<memory>[^']+)' overflowed by (?P<bytes>\d+) bytes"),
)


def _raise_overflow(request: BuildRequest, error: CompileError) -> None:
    """Raise MemoryOverflowError where the linker's message says that a memory is too small."""
    found = [m for pattern in _OVERFLOWS for m in pattern.finditer(error.compiler_message)]
    if not found:
        return
    worst = max(found, key=lambda match: int(match["bytes"]))
    memory, excess = worst["memory"], int(worst["bytes"])
    length = re.search(
        rf"^\s*{re.escape(memory)}\b.*\bLENGTH\s*=\s*(\d+)", request.linker_script, re.MULTILINE
    )
    if length is None:  # a script of the user's own, with sizes spelled in another way
        return
    available = int(length[1])
    raise MemoryOverflowError(
        _overflow_summary(request, memory, available, excess),
        error.compiler_message,
        error.command,
        memory=memory,
        available_bytes=available,
        needed_bytes=available + excess,
    )


def _overflow_summary(request: BuildRequest, memory: str, available: int, excess: int) -> str:
    board = request.profile.board
    where = request.placement or board.default_placement
    held = [role for role, place in where.items() if place.name == memory and role != "stack"]
    others = [other for other in board.memories if other.name != memory]
    advice = "Make the program smaller"
    if held:
        advice += f", or place {' or '.join(held)} elsewhere (--place {held[0]}=NAME)"
    if others:
        sizes = ", ".join(f"{other.name} {other.size_bytes}" for other in others)
        advice += f"; {board.name} also has (bytes): {sizes}"
    stack = " besides the stack" if where.stack.name == memory else ""
    return (
        f"The program does not fit into {memory} of {board.name}: it needs {available + excess} "
        f"bytes there and has {available}{stack}, {excess} too few. {advice}. The linker said:"
    )


# ---------------------------------------------------------------- the cache


def _key(recipe: _Recipe, request: BuildRequest, compiler: Toolchain) -> str:
    """Digest of everything that the image depends on."""
    directories = [*request.include_dirs, *request.fallback_include_dirs]
    inputs = [(source.path, source.read_bytes()) for source in request.sources]
    named = (Path(flag) for flag in request.extra_flags if os.path.isabs(flag))
    contents = [
        *(text for _, text in inputs),
        *_headers(inputs, directories),
        *(path.read_bytes() for path in named if path.is_file()),
    ]
    material = [
        _CACHE_LAYOUT,
        compiler.identity,
        *recipe.in_one(request.name),
        *(_sha256(text) for text in contents),
    ]
    return _sha256(json.dumps(material).encode())


# What C includes by name, what it includes by a macro, and what an assembler includes.
_MENTION = re.compile(
    rb'^[ \t]*#[ \t]*(?:include|include_next|import|embed)\b[ \t]*(?:["<]([^">\n]+)|([^\n]*))'
    rb'|\.(?:include|incbin)[ \t]+\\?"([^"\\\n]+)',
    re.MULTILINE,
)


def _headers(sources: list[tuple[Path | None, bytes]], directories: list[Path]) -> list[bytes]:
    """Return the contents of the files that sources include, and that those include.

    What conditions exclude is read, too: at worst something is built once more than needed. What
    is not found is the compiler's own, which its version stands for.
    """
    found: dict[Path, bytes] = {}
    waiting = list(sources)
    while waiting:
        path, text = waiting.pop()
        beside = [path.parent] if path else []
        for included, computed, assembled in _MENTION.findall(text):
            if computed:
                # Nothing short of preprocessing tells which file a macro names: never reuse.
                return [os.urandom(16)]
            name = os.fsdecode(included or assembled)
            candidates = (folder / name for folder in [*beside, *directories])
            header = next((file for file in candidates if file.is_file()), None)
            if header is not None and header not in found:
                found[header] = header.read_bytes()
                waiting.append((header, found[header]))
    return [found[path] for path in sorted(found)]


def _load(image: Path) -> BuiltImage | None:
    """Return what lies in a folder of the cache; None where it is missing or damaged."""
    try:
        record = json.loads((image / _RECORD).read_text(encoding="utf-8"))
        elf = image / record["elf"]
        if _sha256(elf.read_bytes()) != record["sha256"]:
            return None
        info = ToolchainInfo(record["name"], record["version"], tuple(record["flags"]))
        return BuiltImage(elf, info, tuple(record["command"]), record["sha256"])
    except (OSError, ValueError, KeyError):
        return None


def _store(root: Path, name: str, content: bytes) -> Path:
    """Keep a generated file under a path that depends on its content only.

    A compiler that caches objects by path and content, as zig does, then finds them again.
    """
    folder = root / "sources" / _sha256(content)[:32]
    path = folder / name
    if not path.is_file():
        folder.mkdir(exist_ok=True)
        with _scratch(root) as scratch:
            draft = scratch / name
            draft.write_bytes(content)
            draft.replace(path)
    return path


@contextlib.contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=root / "tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(scratch: Path, final: Path) -> None:
    """Rename a finished folder to its final name, unless another process was first."""
    try:
        scratch.rename(final)
    except OSError:
        if not final.is_dir():
            raise


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
