"""Lists of keys as files: one a line, or rows of a CSV file (S3 Inventory). Pure: lines in, keys out, one at a time.

Guarantees: a key comes out byte for byte as it was written in; nothing is left out without a word. Refuses a line that is no
key, with its number.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, unquote_plus

from relocation.rules.errors import Refusal
from relocation.rules.values import KEY_BYTES_MAX

LISTED_AS = "one whole key a line, percent-encoded as reports show them"
CSV_LISTED_AS = "rows of bucket,key as S3 Inventory writes them: quoted, and the keys URL-encoded"


def keys_of_lines(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield (empty, key) of each line that is not empty."""
    for number, line in enumerate(lines, 1):
        try:
            key = unquote(line.rstrip(b"\r\n").decode("utf-8-sig" if number == 1 else "utf-8"), errors="strict")
        except UnicodeDecodeError:
            raise Refusal(f"line {number} is not UTF-8; {LISTED_AS}") from None
        if key:
            yield "", _key(key, number, LISTED_AS)


def keys_of_csv(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (bucket, key) of each row; a first row that says `bucket,key` is a heading."""
    rows = csv.reader(lines, strict=True)
    while True:
        try:
            row = next(rows, None)
        except (csv.Error, UnicodeDecodeError) as error:
            raise Refusal(f"line {rows.line_num} can't be read ({error}); {CSV_LISTED_AS}") from None
        if row is None:
            return
        if not row or (rows.line_num == 1 and [name.strip().lower() for name in row[:2]] == ["bucket", "key"]):
            continue
        if len(row) < 2 or not row[0] or not row[1]:
            raise Refusal(f"line {rows.line_num} has no bucket and key; {CSV_LISTED_AS}")
        try:
            key = unquote_plus(row[1], errors="strict")
        except UnicodeDecodeError:
            raise Refusal(f"line {rows.line_num} is not UTF-8; {CSV_LISTED_AS}") from None
        yield row[0], _key(key, rows.line_num, CSV_LISTED_AS)


def _key(key: str, number: int, wanted: str) -> str:
    size = len(key.encode())
    if size > KEY_BYTES_MAX:
        raise Refusal(f"line {number} is {size} bytes long, and a key has at most {KEY_BYTES_MAX}; {wanted}")
    return key
