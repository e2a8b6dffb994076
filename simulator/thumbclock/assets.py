"""Where the files that are not Python lie: kernels, firmware and profiles."""

from pathlib import Path

__all__ = ["path"]

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent.parent


def path(*parts: str) -> Path:
    """Return the path of an asset, in a checkout or in an installation.

    Args:
        parts: Path below the project's top level, e.g. ``("firmware", "startup.c")``;
            the first part is ``kernels``, ``firmware`` or ``profiles``.
    """
    installed = _PACKAGE / "_assets"
    root = installed if installed.is_dir() else _CHECKOUT
    return root.joinpath(*parts)
