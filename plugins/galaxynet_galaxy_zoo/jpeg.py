"""What the header of a JPEG says, without decoding it (ITU-T T.81, annex B)."""

from __future__ import annotations

_START, _END = b"\xff\xd8", b"\xff\xd9"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame header; the three others of that range begin tables."""


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG, in pixels.

    Decoding at a reduced size hides the original size, and some decoders fill up what a broken-off file
    lacks, so both are looked at here.

    Raises:
        ValueError: If it is no JPEG, or is broken off.
    """
    if data[:2] != _START:
        raise ValueError("no JPEG")
    if not data.rstrip(b"\0").endswith(_END):
        raise ValueError("a JPEG that breaks off")
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _FRAMES:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ValueError("a damaged JPEG")
