"""The README: its Python example prints what it says, and its options and profiles exist."""

import re
import subprocess
import sys
from pathlib import Path

from thumbclock.profiles import profile_names

README = Path(__file__).parent.parent / "README.md"


def test_python_example() -> None:
    """The example runs as it stands and prints what stands below it."""
    text = README.read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", text, re.DOTALL)
    assert found is not None
    done = subprocess.run(
        [sys.executable, "-c", found[1]], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == found[2]


def test_names_every_board() -> None:
    """The table of what works lists the profiles that there are."""
    row = next(
        line for line in README.read_text("utf-8").splitlines() if line.startswith("| Boards")
    )
    assert sorted(re.findall(r"`(.*?)`", row)) == profile_names()
