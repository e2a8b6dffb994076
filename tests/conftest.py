"""What tests need of the machine beside what the project installs."""

import shutil

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what builds with GCC where there is none: zig's clang, the default, is always there."""
    if shutil.which("arm-none-eabi-gcc") is not None:
        return
    reason = "arm-none-eabi-gcc, a compiler that users may choose, is not installed"
    for item in items:
        if item.get_closest_marker("needs_gcc") is not None:
            item.add_marker(pytest.mark.skip(reason=reason))
