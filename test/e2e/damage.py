"""Finds the frames in a member's log segments, to cut, blank or flip what is behind them.

Knows the outline of doc/format.md and no more: names, where frames start, and how long they are.
"""

import pathlib
import struct

HEAD_BYTES = 20480
FRAME_BYTES_MIN = 40
SIZE_MASK = 0x5A3C96E1


def newest_segment(data):
    """The path of the newest segment below a data directory."""
    return max((pathlib.Path(data) / "wal").glob("*.wal"))


def frames(path):
    """Offsets of the frames of a segment, oldest first, and where the last one ends."""
    content = path.read_bytes()
    offsets, at = [], HEAD_BYTES
    while at + FRAME_BYTES_MIN <= len(content):
        size = struct.unpack_from("<I", content, at + 4)[0] ^ SIZE_MASK
        if not FRAME_BYTES_MIN <= size <= len(content) - at:
            break
        offsets.append(at)
        at += size
    return offsets, at


def cut(path, offset):
    """Ends a file at an offset."""
    with open(path, "r+b") as file:
        file.truncate(offset)


def blank(path, offset):
    """Makes zeros of everything from an offset on, as if it had never been written."""
    with open(path, "r+b") as file:
        size = file.seek(0, 2)
        file.seek(offset)
        file.write(bytes(size - offset))


def flip(path, offset, bit=0):
    """Changes one bit."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0] ^ (1 << bit)
        file.seek(offset)
        file.write(bytes([byte]))
