"""Loads and stores with another offset, in an encoding of the same size."""

__all__ = ["with_offset"]


def with_offset(code: bytes, offset: int) -> bytes | None:
    """Return a load or store ``[base, #offset]`` with another offset; None where none can hold it.

    Args:
        code: LDR, STR and their byte, halfword and signed forms, LDRD, STRD, VLDR or VSTR, without
            write-back and with an immediate offset; others have no such form (Armv7-M ARM, A5.2.4,
            A5.3.7 to A5.3.10, A6.6).
        offset: What is to be added to the base register.
    """
    if len(code) == 2:
        return _narrow(int.from_bytes(code, "little"), offset)
    first, second = int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little")
    if first & 0xFE40 == 0xE840 or first & 0xFF20 == 0xED00:
        return _by_words(first, second, offset)
    if first & 0xFE00 == 0xF800:
        return _wide(first, second, offset)
    return None


def _narrow(code: int, offset: int) -> bytes | None:
    group = code >> 12
    if group == 9:  # relative to SP: 8 bits, in words
        return _scaled(code, offset, 4, 8, 0)
    size = {6: 4, 7: 1, 8: 2}.get(group)
    return None if size is None else _scaled(code, offset, size, 5, 6)


def _scaled(code: int, offset: int, size: int, bits: int, shift: int) -> bytes | None:
    if offset % size or not 0 <= offset // size < 1 << bits:
        return None
    mask = (1 << bits) - 1 << shift
    return (code & ~mask | offset // size << shift).to_bytes(2, "little")


def _by_words(first: int, second: int, offset: int) -> bytes | None:
    """LDRD, STRD, VLDR, VSTR: 8 bits in words, added or subtracted by bit 7."""
    if first & 0xFE40 == 0xE840 and first & 0x0120 != 0x0100:
        return None  # exclusive accesses, table branches, write-back
    if offset % 4 or abs(offset) > 1020:
        return None
    first = first & ~0x80 | (0x80 if offset >= 0 else 0)
    return _joined(first, second & ~0xFF | abs(offset) // 4)


def _wide(first: int, second: int, offset: int) -> bytes | None:
    """Single accesses: 12 bits added (bit 7), or 8 bits subtracted."""
    is_long = first & 0x80
    if not is_long and second & 0x0F00 != 0x0C00:
        return None  # register offset, write-back, unprivileged
    if 0 <= offset <= 4095:
        return _joined(first | 0x80, second & 0xF000 | offset)
    if -255 <= offset < 0:
        return _joined(first & ~0x80, second & 0xF000 | 0x0C00 | -offset)
    return None


def _joined(first: int, second: int) -> bytes:
    return first.to_bytes(2, "little") + second.to_bytes(2, "little")
