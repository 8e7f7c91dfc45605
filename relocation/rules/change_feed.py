"""A feed of changes as lines: which keys may have changed, from an application's journal or a bucket's events. Pure, one at a time.

A line is a whole key, percent-encoded as reports show them; or a JSON object: `{"key": …, "bucket": …}`, the key as it is, or an
event as S3 and MinIO write them (`Records`). S3 and MinIO's webhook URL-encode an event's key, MinIO's stream does not, and no line
says which it is: both readings are named, since a feed only says where to look. Events of reads name no change.
Guarantees: a key comes out byte for byte as it was. Refuses a line that is none of these, with its number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, unquote_plus

from relocation.rules.errors import Refusal
from relocation.rules.values import KEY_BYTES_MAX

TAKEN_AS = "a whole key, percent-encoded; a JSON object with `key`; or an event with `Records`, as S3 and MinIO write them"
READS = ("s3:ObjectAccessed", "ObjectAccessed")


def changes_of(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield (bucket, key) of each change; the bucket is empty where the line does not say."""
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
            if not line.strip():
                continue
            found = _of_json(line) if line.startswith("{") else [("", (unquote(line, errors="strict"),))]
        except ValueError:  # UnicodeDecodeError and JSONDecodeError are such
            raise Refusal(f"line {number} is no change; {TAKEN_AS}") from None
        for bucket, readings in found:
            yield from ((bucket, key) for key in _whole(readings, number))


def _of_json(line: str) -> list[tuple[str, tuple[str, ...]]]:
    document = json.loads(line)
    records = document.get("Records")
    if records is None:
        return [(_text(document.get("bucket", "")), (_text(document.get("key")),))]
    if not isinstance(records, list):
        raise ValueError(line)  # noqa: TRY004 — it is the line that is wrong
    return [found for record in records if (found := _of_event(record)) is not None]


def _of_event(record: object) -> tuple[str, tuple[str, ...]] | None:
    """Return the bucket of an event and the readings of its key; None for a read, or where it is about a bucket alone."""
    if not isinstance(record, dict) or not isinstance(record.get("s3"), dict):
        raise ValueError(record)  # noqa: TRY004
    about = record["s3"]
    if str(record.get("eventName", "")).startswith(READS):
        return None
    key = _text(_field(about.get("object"), "key"))
    readings = dict.fromkeys([key, *_decoded(key)])
    return (_text(_field(about.get("bucket"), "name")), tuple(readings)) if key else None


def _decoded(key: str) -> tuple[str, ...]:
    try:
        return (unquote_plus(key, errors="strict"),)
    except UnicodeDecodeError:
        return ()  # it is no encoding, then it is the key


def _field(document: object, name: str) -> object:
    return document.get(name, "") if isinstance(document, dict) else ""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004
    value.encode()  # half a character is no key
    return value


def _whole(readings: tuple[str, ...], number: int) -> list[str]:
    """Return those readings that can be keys: an encoded one may be three times as long as a key may be."""
    keys = [key for key in readings if 0 < len(key.encode()) <= KEY_BYTES_MAX]
    if not keys:
        raise Refusal(f"line {number} names no key of 1 to {KEY_BYTES_MAX} bytes; {TAKEN_AS}")
    return keys
