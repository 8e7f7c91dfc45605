"""Real PNG and JPEG images, made on the spot with the standard library: small mosaics, each different, that every viewer opens.

The JPEG is baseline, greyscale, one coefficient (the mean) for each 8×8 block; its Huffman table is the standard one for luminance.
Sources: PNG (RFC 2083), JPEG (ITU-T T.81, annexes B, F and K.3.1).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
DC_COUNTS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])  # codes of 1, 2, … 16 bits (table K.3)
DC_SYMBOLS = bytes(range(12))
QUANTUM = 8
"""Every coefficient is quantised alike; a block's mean of 8 steps is one level of grey, so that nothing is lost."""
COMMENT_BYTES_MAX = 65_533


def png(width: int, height: int, pixels: bytes, comment: bytes = b"") -> bytes:
    """Return an RGB image; `pixels` holds `width * height * 3` bytes, `comment` goes into a text chunk."""
    stride = width * 3
    rows = b"".join(b"\0" + pixels[start : start + stride] for start in range(0, stride * height, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    text = _chunk(b"tEXt", b"Comment\0" + comment) if comment else b""
    return PNG_SIGNATURE + _chunk(b"IHDR", header) + text + _chunk(b"IDAT", zlib.compress(rows, 1)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def jpeg_scan(greys: Sequence[int]) -> bytes:
    """Return the entropy-coded data of a mosaic, one block for each level of grey (0 to 255), row by row."""
    codes = _codes()
    bits, length, before = 0, 0, 0
    for grey in greys:
        level = grey - 128  # the mean of the shifted samples is DC/8, and the quantum is 8
        difference, before = level - before, level
        size = abs(difference).bit_length()
        code, code_bits = codes[size]
        bits, length = (bits << code_bits) | code, length + code_bits
        if size:
            bits, length = (bits << size) | (difference if difference > 0 else difference + (1 << size) - 1), length + size
        bits, length = bits << 1, length + 1  # end of block: the one code of our table of AC coefficients
    padding = -length % 8
    data = ((bits << padding) | ((1 << padding) - 1)).to_bytes((length + padding) // 8, "big")
    return data.replace(b"\xff", b"\xff\0")


def jpeg(columns: int, rows: int, scan: bytes, comment: bytes = b"") -> bytes:
    """Return an image of `columns * rows` blocks of 8×8 pixels, with a comment of up to 64 KiB."""
    frame = struct.pack(">BHHB", 8, rows * 8, columns * 8, 1) + bytes([1, 0x11, 0])
    tables = b"\0" + DC_COUNTS + DC_SYMBOLS + b"\x10" + bytes([1, *([0] * 15)]) + b"\0"
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            _segment(0xFE, comment[:COMMENT_BYTES_MAX]) if comment else b"",
            _segment(0xDB, b"\0" + bytes([QUANTUM] * 64)),
            _segment(0xC0, frame),
            _segment(0xC4, tables),
            _segment(0xDA, bytes([1, 1, 0, 0, 63, 0])),
            scan,
            b"\xff\xd9",
        )
    )


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def _codes() -> dict[int, tuple[int, int]]:
    """Return symbol → code and its bits, as T.81 C.2 derives them from the counts."""
    codes, code, symbols = {}, 0, iter(DC_SYMBOLS)
    for bits, count in enumerate(DC_COUNTS, 1):
        for _ in range(count):
            codes[next(symbols)] = (code, bits)
            code += 1
        code <<= 1
    return codes
