"""The lists of a report as CSV (RFC 4180), for those who sort and count in a spreadsheet.

Guarantees: one row an object, under one head; `key_percent_encoded` decodes to the very bytes of the key. No cell is a formula:
what begins as one gets an apostrophe before it, and what is not seen or would move others is percent-encoded. UTF-8 with a byte
order mark: without it Excel reads a Japanese file in its own code page.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TextIO
from urllib.parse import unquote

from connectors.report.document import Json
from connectors.report.figures import plain
from relocation.rules.amounts import amount
from relocation.rules.keys import shown

ENCODING = "utf-8-sig"
HEAD = (
    *("list", "bucket", "key", "key_percent_encoded", "target_bucket", "target_key_percent_encoded"),
    *("reason", "attempts", "objects", "bytes", "newest"),
)
LISTS = (
    *("mismatched", "failed", "refused", "not_found", "unmatched", "hidden", "conflicts", "drifted", "gone", "remove", "removed"),
    *("deleted_at_target", "foreign"),
)
"""The lists of single objects, in the order of the page."""
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'")
"""What a spreadsheet takes for the beginning of a formula, in full width too, or for a mark of its own."""
INNER = re.compile(rf";(?=\s*[{re.escape(''.join(FORMULA))}])")
Row = tuple[str, ...]


def rows_of(document: Mapping[str, Json]) -> Iterator[Row]:
    """Yield every row of a report's document but those of its losses."""
    for name in LISTS:
        for each in _objects(document.get(name)):
            yield _row(name, each)
    if total := _cut(document, "unmatched"):
        named = len(_objects(document.get("unmatched")))
        yield row_of("unmatched", "", "", f"{total} keys in all: the first {named} are named")
    for place in _objects(document.get("unclaimed")):
        yield _place("unclaimed", place, "objects", "newest")
    for place in _objects(document.get("unfinished_uploads")):
        yield _place(f"unfinished uploads, {place['side']}", place, "uploads", "oldest")


def lost_in(document: Mapping[str, Json]) -> Iterator[Row]:
    """Yield the rows of the losses that the document itself names, and one that says where the others are."""
    for each in _objects(document.get("lost")):
        yield _row("lost", each)
    if total := _cut(document, "lost"):
        yield row_of("lost", "", "", f"{total} objects in all: each stands in losses.csv beside the report of its wave")


def _cut(document: Mapping[str, Json], name: str) -> Json:
    """Return how long a list is of which the document holds the first alone."""
    cut = document.get("truncated")
    return cut.get(name) if isinstance(cut, Mapping) else None


def row_of(name: str, bucket: str, key: str, reason: str) -> Row:
    """Return one object's row; its key is as it is."""
    return _row(name, {"bucket": bucket, "key": shown(key), "reason": reason})


def write(file: TextIO, rows: Iterable[Row], *, head: bool = True) -> None:
    """Write rows; the file was opened with `ENCODING` and `newline=""`."""
    writer = csv.writer(file, lineterminator="\r\n")
    if head:
        writer.writerow(HEAD)
    writer.writerows(rows)


def _objects(found: Json | None) -> Sequence[Mapping[str, Json]]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, Sequence) else []


def _row(name: str, each: Mapping[str, Json]) -> Row:
    target = each.get("target")
    there = target if isinstance(target, Mapping) else {}
    encoded, at_target = str(each["key"]), str(there.get("key", ""))
    names = (_cell(name), _cell(str(each["bucket"])), _cell(_read(encoded)), _whole(encoded))
    goes = (_cell(str(there.get("bucket", ""))), _whole(at_target))
    return (*names, *goes, _cell(str(each["reason"])), _figure(each.get("attempts")), "", "", "")


def _place(name: str, place: Mapping[str, Json], count: str, when: str) -> Row:
    encoded = str(place["place"])
    said = _cell(str(place.get("doubt") or _former(place)))
    figures = (_figure(place[count]), _figure(place["bytes"]), _cell(str(place[when])))
    return (_cell(name), "", _cell(_read(encoded)), _whole(encoded), "", "", said, "", *figures)


def _former(place: Mapping[str, Json]) -> str:
    versions = place.get("former_versions")
    if not isinstance(versions, Mapping) or not (versions["objects"] or place["delete_markers"]):
        return ""
    former, size, markers = (int(str(each)) for each in (versions["objects"], versions["bytes"], place["delete_markers"]))
    return f"{amount(former, 'former version')} ({amount(size, 'byte')}), {amount(markers, 'delete marker')}"


def _read(encoded: str) -> str:
    return unquote(encoded, errors="surrogatepass")


def _cell(text: str) -> str:
    """Return text that a spreadsheet shows and does not obey, also one that cuts rows at `;`."""
    seen = INNER.sub("%3B", plain(text))
    return f"'{seen}" if seen.lstrip().startswith(FORMULA) else seen


def _whole(encoded: str) -> str:
    """Return an encoded key that is no formula: of what may begin one, `-` alone stands in it as it is."""
    return f"%2D{encoded[1:]}" if encoded.startswith("-") else encoded


def _figure(number: Json) -> str:
    return "" if number is None else str(number)
