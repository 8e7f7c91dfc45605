"""What a messenger's stores in Korea hold, made up on the spot: the same objects, byte for byte, each time.

Guarantees: every kind of object that a move has to keep is among them: uploads in parts of different sizes, names in Japanese, in
both normal forms, with spaces and percent signs, empty objects, encoded ones, metadata, tags, and a bucket that no category claims.
"""

from __future__ import annotations

import gzip
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from hikkoshi.demo.pictures import jpeg, jpeg_scan, png
from relocation.rules.objects import Attributes

MIB = 1024 * 1024
KIB = 1024
FORGOTTEN = "sticker-shop"
"""The bucket that somebody forgot: no category claims it."""
IMAGES, FILES, ALBUMS, STICKERS = 1800, 260, 140, 24
MOSAICS = 48
VIDEO_PARTS = (
    (8 * MIB, 8 * MIB, 8 * MIB, 3 * MIB + 17),
    (5 * MIB, 6 * MIB, 7 * MIB, 9 * MIB + 1),
    (16 * MIB, 16 * MIB, 5),
    (5 * MIB, 5 * MIB, 5 * MIB, 5 * MIB, 5 * MIB, 5 * MIB - 1),
    (10 * MIB, 12 * MIB + 333),
    (32 * MIB,),
    (6 * MIB, 20 * MIB, 6 * MIB),
    (11 * MIB, 13 * MIB, 2),
)
NAMES = (
    "旅行の写真 2019.zip",
    unicodedata.normalize("NFC", "ガイドブック.pdf"),
    unicodedata.normalize("NFD", "ガイドブック.pdf"),
    "100% 完了+確認?.txt",
    "%E6%97%A5%E6%9C%AC.txt",
    "한국어 문서 (최종).docx",
    "a b  c.txt",
    "見積#1&2=3.csv",
    "semi;colon,comma'quote\"double.txt",
    "emoji-🚚📦.txt",
    "CASE.txt",
    "case.txt",
    "trailing space ",
    "back\\slash.txt",
)


@dataclass(frozen=True, slots=True)
class Made:
    """One object to be put: whole, or, with `part_bytes`, uploaded in parts of these sizes."""

    bucket: str
    key: str
    body: bytes
    attributes: Attributes
    part_bytes: tuple[int, ...] = ()


NOISE_BYTES = 7_340_033
"""A prime: noise that repeats never repeats in step with the parts of an upload, so that swapped parts differ."""


class Dice(Random):
    """A source of chance that makes bytes fast: slices of one block of noise."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._noise = self.randbytes(NOISE_BYTES) * 2

    def noise(self, count: int) -> bytes:
        """Return that many bytes."""
        start = self.randrange(NOISE_BYTES)
        first = self._noise[start : min(start + NOISE_BYTES, start + count)]
        return first if len(first) == count else (first * (count // NOISE_BYTES + 1))[:count]


def korea() -> Iterator[Made]:
    """Yield every object."""
    random = Dice(20210630)
    yield from _images(random)
    yield from _videos(random)
    yield from _files(random)
    yield from _albums(random)
    yield from _others(random)


def _images(random: Dice) -> Iterator[Made]:
    mosaics = [_mosaic(random) for _ in range(MOSAICS)]
    for number in range(IMAGES):
        year = "2019" if number % 3 else "2020"
        name = f"images/{year}/{number % 12 + 1:02}/{number:06}-{random.getrandbits(32):08x}"
        user = f"u{random.randrange(400):04}"
        tags = (("thumbnail", "yes"), ("room", f"r{number % 50}")) if number % 10 == 0 else ()
        metadata = (("owner", user), ("sent-at", f"{year}-{number % 12 + 1:02}-{number % 28 + 1:02}T09:00:00+09:00"))
        if number % 4:
            columns, rows, scan = mosaics[number % MOSAICS]
            body = jpeg(columns, rows, scan, random.noise(random.randrange(4 * KIB, 40 * KIB)))
            yield Made("talk", f"{name}.jpg", body, _attributes("image/jpeg", metadata=metadata, tags=tags))
        else:
            side = random.randrange(32, 112)
            body = png(side, side, random.noise(side * side * 3))
            yield Made("talk", f"{name}.png", body, _attributes("image/png", metadata=metadata, tags=tags))


def _mosaic(random: Dice) -> tuple[int, int, bytes]:
    columns, rows = random.randrange(12, 24), random.randrange(12, 24)
    slope = random.uniform(-90, 90)
    greys = [
        min(max(int(128 + slope * (column / columns - row / rows) + random.uniform(-25, 25)), 0), 255)
        for row in range(rows)
        for column in range(columns)
    ]
    return columns, rows, jpeg_scan(greys)


def _videos(random: Dice) -> Iterator[Made]:
    for number, part_bytes in enumerate(VIDEO_PARTS):
        body = b"\0\0\0\x18ftypmp42" + random.noise(sum(part_bytes) - 12)
        attributes = _attributes("video/mp4", metadata=(("duration-ms", str(number * 1000 + 500)),))
        yield Made("talk", f"videos/2020/{number:03}.mp4", body, attributes, part_bytes)
    yield Made("talk", "videos/2020/zero-length.mp4", b"", _attributes("video/mp4"))


def _files(random: Dice) -> Iterator[Made]:
    for number, name in enumerate(NAMES):
        body = f"{number}: {name}\n".encode() * (number + 1)
        tags = (("project", "tokyo 2020"), ("class", "A+B")) if number % 3 == 0 else ()
        download = (("content-disposition", "attachment"), ("cache-control", "private, max-age=3600"))
        yield Made("files", f"shared/{name}", body, _attributes("application/octet-stream", *download, tags=tags))
    for number in range(FILES - len(NAMES)):
        key = f"rooms/{number % 7}/{number:05}"
        if number % 20 == 0:
            yield Made("files", f"{key}.empty", b"", _attributes("text/plain", metadata=(("note", "empty on purpose"),)))
        elif number % 4 == 0:
            lines = [{"line": line, "text": f"{random.getrandbits(64):016x}"} for line in range(200)]
            body = gzip.compress(json.dumps(lines).encode(), mtime=0)
            yield Made("files", f"{key}.json", body, _attributes("application/json", ("content-encoding", "gzip")))
        else:
            body = b"%PDF-1.7\n" + random.noise(random.randrange(16 * KIB, 360 * KIB))
            yield Made("files", f"{key}.pdf", body, _attributes("application/pdf", ("content-language", "ja")))
    yield Made("files", "rooms/archive.tar", random.noise(18 * MIB), _attributes("application/x-tar"))


def _albums(random: Dice) -> Iterator[Made]:
    for number in range(ALBUMS):
        body = png(96, 96, random.noise(96 * 96 * 3))
        yield Made(
            "albums",
            f"family-{number % 9}/{number:04}.png",
            body,
            _attributes("image/png", metadata=(("album", "夏".encode().hex()),)),
        )


def _others(random: Dice) -> Iterator[Made]:
    for bucket in ("notes", "timeline", "official", "pay"):
        for number in range(6):
            yield Made(bucket, f"{number:03}.json", random.noise(512), _attributes("application/json"))
    for number in range(STICKERS):
        yield Made(FORGOTTEN, f"set-{number % 4}/{number:03}.png", png(48, 48, random.noise(6912)), _attributes("image/png"))


def _attributes(
    content_type: str,
    *headers: tuple[str, str],
    metadata: tuple[tuple[str, str], ...] = (),
    tags: tuple[tuple[str, str], ...] = (),
) -> Attributes:
    return Attributes(headers=tuple(sorted((("content-type", content_type), *headers))), metadata=metadata, tags=tags)
