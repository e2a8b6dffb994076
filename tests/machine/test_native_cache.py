"""The compiled hooks are kept on disk; a change to any of their sources must compile them anew."""

import inspect
from collections.abc import Callable
from pathlib import Path

from thumbclock.machine import native


def compiled_files(function: Callable[..., object], seen: set[object]) -> set[str]:
    """Return the files of a function and of all compiled functions that it calls."""
    seen.add(function)
    files = {inspect.getfile(function)}
    for name in function.__code__.co_names:
        called = getattr(function.__globals__.get(name), "py_func", None)
        if called is not None and called not in seen:
            files |= compiled_files(called, seen)
    return files


def test_the_digest_covers_every_file_that_is_compiled() -> None:
    """The files found by following the calls from the hooks are those that the digest is of."""
    for function in (native._enter_block, native._enter_behind_split):
        files = compiled_files(function, set())
        assert {Path(file).name for file in files} == {"native.py", "predictor.py", "caches.py"}
        order = ["native.py", "predictor.py", "caches.py"]
        paths = sorted(files, key=lambda file: order.index(Path(file).name))
        assert native.source_digest(paths) == native.SOURCE_DIGEST


def test_the_digest_is_part_of_the_key() -> None:
    """The key includes what a function closes over: the digest, and nothing else."""
    for hook in (native.block_hook, native.probe_hook):
        assert [cell.cell_contents for cell in hook.py_func.__closure__] == [native.SOURCE_DIGEST]


def test_the_digest_follows_the_sources(tmp_path: Path) -> None:
    """One changed character in one file changes the digest."""
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text("a = 1\n")
    second.write_text("b = 1\n")
    before = native.source_digest([first, second])
    second.write_text("b = 2\n")
    assert native.source_digest([first, second]) != before
