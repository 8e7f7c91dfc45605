"""Keys that S3 allows and that something between a source and a report could spoil, by class; each is at most 1,024 bytes of UTF-8.

Generated, so that a class has no holes: all controls, not a few; every length at a limit, not one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

KEY_BYTES_MAX = 1024
COMPOSED = ("é", "ñ", "Å", "が", "ぎ", "각", "ế", "ǖ")
PUNCTUATION = "!\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~"


def _filled(part: str, size: int) -> str:
    """Return that many bytes made of a part (whole characters only), in one path part."""
    width = len(part.encode())
    return part * (size // width) + "x" * (size % width)


def _in_parts(size: int, part_bytes: int) -> str:
    """Return a key of exactly that many bytes in parts of at most `part_bytes`."""
    whole = "/".join("p" * part_bytes for _ in range(size // (part_bytes + 1) + 1))[:size]
    return f"{whole[:-2]}/q" if whole.endswith("/") else whole


CLASSES: Mapping[str, tuple[str, ...]] = {
    "c0": tuple(f"c0/{code:02x}{chr(code)}end" for code in (*range(0x01, 0x20), 0x7F)),
    "c0-alone": tuple(f"alone/{chr(code)}" for code in (0x01, 0x08, 0x09, 0x0A, 0x0D, 0x1B, 0x1F, 0x7F)),
    "c1": tuple(f"c1/{code:02x}{chr(code)}end" for code in range(0x80, 0xA0)),
    "lines": ("lines/a\nb", "lines/a\r\nb", "lines/\nlead", "lines/trail\n", "lines/a\u2028b", "lines/a\u2029b", "lines/a\x0bb\x0cc"),
    "composed": tuple(f"nf/{number}{form}" for number, form in enumerate(COMPOSED)),
    "decomposed": tuple(f"nf/{number}{unicodedata.normalize('NFD', form)}" for number, form in enumerate(COMPOSED)),
    "case": ("case/Key", "case/key", "case/KEY", "CASE/key", "case/straße", "case/STRASSE", "case/İ", "case/i", "case/ſ", "case/s"),
    "planes": (
        *(f"planes/{chr(code)}" for code in (0x10000, 0x1F600, 0x20BB7, 0x2F800, 0xE0001, 0xF0000, 0x10FFFD, 0x1D400)),
        *("planes/👨‍👩‍👧", "planes/🇯🇵", "planes/𠮷野家", "planes/👍🏽"),
    ),
    "noncharacters": tuple(f"non/{chr(code)}" for code in (0xFFFD, 0xFFFE, 0xFFFF, 0xFDD0, 0x1FFFE, 0x10FFFF, 0xE000, 0xF8FF)),
    "order": ("order/\ue000", "order/\U00010000", "order/\uffff", "order/a", "order/a!", "order/a/b", "order/a0"),
    "slashes": ("a//b", "//", "///", "/", "end//", "a///b", "//lead", "/lead", "/lead/x", "dir/", "only/dir/"),
    "dots": (".", "..", "./a", "../a", "a/./b", "a/../b", "a/.", "a/..", "dots/...", "dots/.hidden", "dots/end.", "dots/..x"),
    "beside": ("beside", "beside/", "beside/x", "beside/x/y", "beside-x", "beside.x", "beside0", "deep/er", "deep/er/than/that"),
    "words": (
        *("x__XLDIR__", "__XLDIR__", "words/y__XLDIR__/z", "words/__XLDIR__x", ".minio.sys/config", "words/.minio.sys", ".metadata"),
        *("xl.meta", "words/xl.meta", "words/part.1", ".uploads/x", "words/.versions/x", ".rclone.partial", "words/a.rclonelink"),
        *("CON", "nul.txt", "words/aux", "com1", "desktop.ini", "words/null", "undefined", "None", "true", "0", "-0", "1e9"),
    ),
    "percent": ("pct/%2F", "pct/%2f", "pct/%", "pct/%zz", "pct/%00", "pct/%25", "pct/100%", "a%2Fb", "a%20b", "pct/%C3%A9", "%2e%2e/x"),
    "plus-and-space": ("sp/a+b", "sp/+", "+", "sp/a b", "sp/ lead", " lead", "sp/trail ", "trail ", "sp/  ", " ", "sp/ /x", "a b+c%20d"),
    "odd-spaces": tuple(f"spaces/a{chr(code)}b" for code in (0xA0, 0x1680, 0x2003, 0x2007, 0x202F, 0x205F, 0x3000)),
    "query": ("q?list-type=2&x=y", "q#part", "q?", "#", "?", "q?versionId=null", "q;jsessionid=1", "q?uploads", "&", "q=?&;", "q?acl"),
    "punctuation": tuple(f"punct/{mark}" for mark in PUNCTUATION),
    "html": (
        *("<b>bold</b>", "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&amp;", "&#60;", "<!--x-->", "]]>"),
        *("html/</td></tr>", "{{7*7}}", "{%x%}", "html/javascript:alert(1)", "<Key>x</Key>", "<![CDATA[x]]>", "html/'\"><svg/onload=x>"),
    ),
    "formulas": ("=1+1", "+1+1", "-1+1", "@SUM(A1)", '=cmd|"/c calc"!A1', "\t=1+1", '"=1+1', "a,b", 'a"b', "a;b", "-rf", "--help"),
    "shell": ("$HOME", "`id`", "$(id)", ";ls", "|ls", "&&ls", ">x", "~", "~root/x", "!!", "*", "a?b[c]{d,e}", "-", "c:\\dir\\x", "\\\\h\\s"),
    "terminal": (
        *("esc/\x1b[31mred\x1b[0m", "esc/\x1b]0;title\x07", "esc/\x1b[2J", "esc/\x9b31m", "esc/a\x08b", "esc/a\rb", "esc/\x1b(0"),
        *("esc/\x07", "esc/\x1b]8;;http://x\x1b\\y", "[bold red]rich[/]", "[link=http://x]y[/link]", ":smile:"),
    ),
    "bidi": tuple(f"bidi/{chr(code)}gpj.exe" for code in (0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2069, 0x200E, 0x61C)),
    "scripts": ("scripts/שלום", "scripts/مرحبا", "scripts/ไทย", "scripts/हिन्दी", "scripts/ﾊﾝｶｸ", "scripts/ｆｕｌｌ", "scripts/한국어", "scripts/日本語"),
    "unseen": tuple(f"unseen/a{chr(code)}b" for code in (0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x180E, 0x34F, 0x115F, 0xFE0F)),
    "markdown": ("md/|a|b|", "md/`code`", "md/**b**", "md/[x](http://y)", "md/# h", "md/![x](y)", "md/~~s~~", "md/a\n| b |", "<https://x>"),
    "lengths": (
        *(f"len/{_filled('p', size)}" for size in (254, 255)),
        *(f"len/{_filled('字', size)}" for size in (252, 255)),
        _filled("x", 255),
    ),
    "long-parts": (
        *(f"long/{_filled('p', size)}" for size in (256, 300, 512, 1000)),
        *(_filled("y", KEY_BYTES_MAX), _filled("字", KEY_BYTES_MAX), _filled("😀", KEY_BYTES_MAX), f"long/{_filled('が', 256)}"),
    ),
    "long": (
        *(_in_parts(size, part) for size in (1000, 1019, 1023, 1024) for part in (100, 200, 255)),
        "/".join("s" for _ in range(512)),
        "/".join("字" for _ in range(256)),
        "/".join("d" * 63 for _ in range(16)),
    ),
}  # fmt: skip
"""Class → its keys. No key is in two classes."""
CORPUS = tuple(key for keys in CLASSES.values() for key in keys)


def class_of(key: str) -> str:
    """Return the class of a key."""
    return next(name for name, keys in CLASSES.items() if key in keys)


def body_of(key: str) -> bytes:
    """Return the key's own body: whatever lands under another name is found by it."""
    return b"the body of " + key.encode()
