"""The demo's images are real ones, and its Korea is the same each time and holds every kind of object."""

from __future__ import annotations

import struct
import unicodedata
import zlib

from hikkoshi.demo.korea import FORGOTTEN, korea
from hikkoshi.demo.pictures import DC_COUNTS, DC_SYMBOLS, jpeg, jpeg_scan, png

MIB = 1024 * 1024


def read_png(data: bytes) -> tuple[int, int, bytes]:
    """Read width, height and pixels; every chunk's CRC must fit."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    assert list(chunks)[-1] == b"IEND"
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    rows = zlib.decompress(chunks[b"IDAT"])
    stride = width * 3 + 1
    return width, height, b"".join(rows[start + 1 : start + stride] for start in range(0, stride * height, stride))


def read_jpeg(data: bytes) -> tuple[int, int, list[int]]:
    """Read columns, rows and the level of grey of each block, bit by bit (ITU-T T.81, F.2)."""
    at, tables = 2, {}
    while data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        tables[data[at + 1]] = data[at + 4 : at + 2 + length]
        at += 2 + length
    assert data[:2] == b"\xff\xd8"
    assert data[-2:] == b"\xff\xd9"
    (length,) = struct.unpack_from(">H", data, at + 2)
    scan = data[at + 2 + length : -2].replace(b"\xff\0", b"\xff")
    bits = "".join(f"{byte:08b}" for byte in scan)
    _, height, width, _ = struct.unpack_from(">BHHB", tables[0xC0])
    return width // 8, height // 8, levels(bits, width // 8 * height // 8)


def levels(bits: str, blocks: int) -> list[int]:
    codes, code, symbols = {}, 0, iter(DC_SYMBOLS)
    for length, count in enumerate(DC_COUNTS, 1):
        for _ in range(count):
            codes[f"{code:0{length}b}"] = next(symbols)
            code += 1
        code <<= 1
    found, at, level = [], 0, 0
    for _ in range(blocks):
        end = next(end for end in range(at + 1, at + 17) if bits[at:end] in codes)
        size, at = codes[bits[at:end]], end
        value = int(bits[at : at + size] or "0", 2)
        level += value if not size or bits[at] == "1" else value - (1 << size) + 1
        at += size
        assert bits[at] == "0", "end of block"
        at += 1
        found.append(level + 128)
    assert set(bits[at:]) <= {"1"}
    return found


def test_a_png_holds_its_pixels():
    """Size, pixels and every checksum are as they were given."""
    pixels = bytes(range(256))[: 5 * 7 * 3]
    assert read_png(png(5, 7, pixels, b"a comment")) == (5, 7, pixels)


def test_a_jpeg_holds_its_mosaic():
    """Decoded bit by bit, each block has its level of grey, also across the largest steps and bytes that need stuffing."""
    greys = [0, 255, 0, 128, 127, 129, 1, 254, 64, 64, 200, 3] * 4
    assert read_jpeg(jpeg(8, 6, jpeg_scan(greys), b"a comment")) == (8, 6, greys)


def test_korea_is_the_same_each_time_and_holds_every_kind():
    """At least 2,000 objects and 300 MB: parts of different sizes, both normal forms, percent signs, empty, encoded, tagged, and a
    bucket that nobody claims."""
    made = list(korea())
    keys = {(each.bucket, each.key) for each in made}
    assert len(keys) == len(made) >= 2000
    assert sum(len(each.body) for each in made) >= 300_000_000
    assert all(not each.part_bytes or sum(each.part_bytes) == len(each.body) for each in made)
    assert all(size >= 5 * MIB for each in made for size in each.part_bytes[:-1])
    assert len({each.part_bytes for each in made if each.part_bytes}) >= 6
    names = {each.key for each in made}
    pairs = [name for name in names if unicodedata.normalize("NFC", name) != name and unicodedata.normalize("NFC", name) in names]
    assert pairs
    assert any("%" in name for name in names)
    assert any(" " in name for name in names)
    assert any(not each.body for each in made)
    assert any(("content-encoding", "gzip") in each.attributes.headers for each in made)
    assert any(each.attributes.tags for each in made)
    assert any(each.bucket == FORGOTTEN for each in made)
    first = next(each for each in korea() if each.key.endswith(".jpg"))
    assert first == next(each for each in made if each.key.endswith(".jpg"))
    assert read_jpeg(first.body)[:2] > (0, 0)
