"""Numbers, sizes, times and keys as people read them. Exact numbers stand in tables; these are for the eye.

Guarantees: nothing that is returned can break a line, reverse the reading order or hide a character, whatever a key held.
"""

from __future__ import annotations

import datetime
import unicodedata
from zoneinfo import ZoneInfo

from connectors.report.words import Text, say
from relocation.rules.keys import shown

READABLE_CHARACTERS_MAX = 120


def number(value: int) -> str:
    """Return `1,234,567`."""
    return f"{value:,}"


def objects(count: int) -> Text:
    """Return `1 object`, `2,146 objects`, `2,146 件`."""
    return say("objects.one" if count == 1 else "objects.many", n=count)


def keys(count: int) -> Text:
    """Return `1 key`, `2,146 keys`, `2,146 件`."""
    return say("keys.one" if count == 1 else "keys.many", n=count)


def in_days(count: int) -> Text:
    """Return `1 day`, `14 days`, `14 日`."""
    return say("days.one" if count == 1 else "days.many", n=count)


def former_versions(count: int) -> Text:
    """Return `1 former version`, `3 former versions`, `旧バージョン 3`."""
    return say("former.one" if count == 1 else "former.many", n=count)


def delete_markers(count: int) -> Text:
    """Return `1 delete marker`, `3 delete markers`, `削除マーカー 3`."""
    return say("markers.one" if count == 1 else "markers.many", n=count)


def size(count: float) -> str:
    """Return bytes in the largest unit that leaves a whole part: `312.4 MiB`, held together by a no-break space."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024:
            return f"{value:.0f}\u00a0B" if unit == "B" else f"{value:.1f}\u00a0{unit}"
        value /= 1024
    return f"{value:,.1f}\u00a0PiB"


def rate(bytes_per_second: float) -> str:
    """Return `41.2 MiB/s`."""
    return f"{size(bytes_per_second)}/s"


def duration(seconds: float) -> Text:
    """Return the two largest units of a time: `3 min 20 s`, `2 h 5 min`."""
    if seconds < 1:
        return say("time.below")
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 60:
        return say("time.s", s=whole)
    if hours < 1:
        return say("time.min", min=minutes, s=whole % 60)
    return say("time.h", h=hours, min=minutes % 60) if days < 1 else say("time.d", d=days, h=hours % 24)


def moment(at: str, timezone: str) -> str:
    """Return a time in the migration's zone and in UTC; what is no ISO 8601 time is returned as it is."""
    try:
        there = datetime.datetime.fromisoformat(at)
    except ValueError:
        return plain(at)
    if there.tzinfo is None:
        there = there.replace(tzinfo=datetime.UTC)
    utc = there.astimezone(datetime.UTC)
    if timezone == "UTC":
        return f"{utc:%Y-%m-%d %H:%M:%S} UTC"
    local = there.astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H:%M:%S %Z} · {utc:%Y-%m-%d %H:%M:%S} UTC"


def plain(text: str) -> str:
    """Return text with every character that is not seen, or that moves others, percent-encoded; spaces stay."""
    return "".join(shown(character) if _is_unseen(character) else character for character in text)


def _is_unseen(character: str) -> bool:
    return character != " " and unicodedata.category(character)[0] in "CZ"


def readable(key: str) -> str:
    """Return the key itself where it says more than its encoded form and can't mislead; else nothing.

    Left out: what has invisible, combining or right-to-left characters, what is not in normal form C, what is long.
    """
    if len(key) > READABLE_CHARACTERS_MAX or key.isascii() or unicodedata.normalize("NFC", key) != key:
        return ""
    misleading = any(
        _is_unseen(character)
        or unicodedata.category(character)[0] == "M"
        or unicodedata.bidirectional(character) in ("R", "AL", "AN")
        for character in key
    )
    return "" if misleading else key
