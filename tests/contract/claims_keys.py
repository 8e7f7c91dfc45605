"""Claims about keys: each is kept as it is, byte for byte, and found again under no other name (hazards D14 to D16)."""

from __future__ import annotations

import unicodedata

from relocation.rules.errors import BadRequest, NotFound
from tests.contract.lab import CLAIMS, Lab, refused

keeps = CLAIMS.add("keys")
refuses = CLAIMS.add("keys", refusal=True)


async def survive(lab: Lab, *keys: str) -> None:
    """Put each key with its own bytes; read, list, and take each away again."""
    bucket = await lab.bucket()
    for key in keys:
        await lab.store.put(bucket, key, key.encode())
    for key in keys:
        assert await lab.read(bucket, key) == key.encode()
        assert (await lab.store.head(bucket, key)).size == len(key.encode())
    assert sorted(await lab.keys(bucket)) == sorted(keys)
    for key in keys:
        await lab.store.delete(bucket, key)
    assert await lab.keys(bucket) == []


@keeps
async def keys_in_japanese_and_korean(lab: Lab) -> None:
    """Keys in CJK."""
    await survive(lab, "写真/東京 (1).jpg", "사진/서울.jpg")


@keeps
async def keys_with_emoji(lab: Lab) -> None:
    """Keys beyond the basic plane."""
    await survive(lab, "😀/🎌👨‍👩‍👧.png")


@keeps
async def nfc_beside_nfd(lab: Lab) -> None:
    """Two keys that look the same and are not."""
    await survive(lab, unicodedata.normalize("NFC", "が.jpg"), unicodedata.normalize("NFD", "が.jpg"))


@keeps
async def upper_beside_lower_case(lab: Lab) -> None:
    """Two keys that differ in case alone."""
    await survive(lab, "Photo.JPG", "photo.jpg")


@keeps
async def keys_with_plus_and_blank(lab: Lab) -> None:
    """`+` is no blank, and a blank no `+`."""
    await survive(lab, "a b", "a+b")


@keeps
async def keys_with_percent_signs(lab: Lab) -> None:
    """`%2F` in a key is three characters, and no escape of `/`."""
    await survive(lab, "a%2Fb", "a%b", "a%25b")


@keeps
async def keys_with_characters_of_urls(lab: Lab) -> None:
    """`?`, `#`, `&`, `=`, `;`, `:`, `@` begin nothing."""
    await survive(lab, "a?b=c&d", "a#b", "a;b:c@d,e!$'()")


@keeps
async def keys_with_characters_of_xml(lab: Lab) -> None:
    """`<`, `>`, `&` and quotes."""
    await survive(lab, "a<b>&amp;\"c'", "a&b")


@keeps
async def keys_with_backslash_and_pattern_characters(lab: Lab) -> None:
    """Backslashes are no slashes; `*`, `[`, `]`, `{`, `|`, `^`, `~`, backquote are no patterns."""
    await survive(lab, "a\\b", "a*[b]{c}|^~`")


@keeps
async def keys_with_blanks_at_the_ends(lab: Lab) -> None:
    """Blanks and dots at the ends of a key are part of it."""
    await survive(lab, " a", "a ", "a.", ".a", "a/ b /c")


@keeps
async def keys_with_control_characters(lab: Lab) -> None:
    """Control characters come back; a listing shows them because it is asked for with `encoding-type=url`."""
    await survive(lab, "a\x01b", "a\tb", "a\x1fb", "a\x7fb")


@keeps
async def keys_with_line_breaks(lab: Lab) -> None:
    """Line breaks in a key end no header and no log line."""
    await survive(lab, "a\nb", "a\rb", "a\r\nb: c")


@keeps
async def keys_that_look_like_folders(lab: Lab) -> None:
    """`dir/` is an object with a slash at its end, and not `dir`."""
    await survive(lab, "dir/", "other/x")


@keeps
async def a_key_with_a_leading_slash(lab: Lab) -> None:
    """`/lead` is not `lead`."""
    await survive(lab, "/lead")


@keeps
async def a_key_with_two_slashes_in_a_row(lab: Lab) -> None:
    """`a//b` is not `a/b`."""
    await survive(lab, "a//b")


@keeps
async def a_key_with_a_dot_as_a_part(lab: Lab) -> None:
    """`a/./b` is not `a/b`."""
    await survive(lab, "a/./b")


@keeps
async def a_key_with_two_dots_as_a_part(lab: Lab) -> None:
    """`a/../b` is not `b`."""
    await survive(lab, "a/../b")


@keeps
async def a_key_that_ends_in_a_word_of_minio(lab: Lab) -> None:
    """`x__XLDIR__` is not `x/`."""
    await survive(lab, "x__XLDIR__")


@keeps
async def a_key_with_a_part_of_300_bytes(lab: Lab) -> None:
    """A part of a key may be longer than a file's name."""
    await survive(lab, "a/" + "b" * 300)


@keeps
async def a_key_of_1024_bytes(lab: Lab) -> None:
    """The longest key that S3 has, in parts that every file system takes."""
    await survive(lab, "/".join(["p" * 203] * 5) + "/end.")


@keeps
async def a_key_of_341_japanese_characters(lab: Lab) -> None:
    """1,023 bytes of UTF-8: the limit is in bytes."""
    await survive(lab, "/".join(["あ" * 67] * 5) + "/" + "い")


@refuses
async def a_key_of_1025_bytes_is_refused(lab: Lab) -> None:
    """A key that is too long is not cut."""
    bucket = await lab.bucket()
    await refused(lab.store.put(bucket, "/".join(["p" * 203] * 5) + "/end..", b"x"), BadRequest)
    assert await lab.keys(bucket) == []


@refuses
async def half_a_character_is_refused(lab: Lab) -> None:
    """A lone surrogate has no UTF-8: it is not replaced, nothing is sent."""
    bucket = await lab.bucket()
    await refused(lab.store.put(bucket, "a\ud800", b"x"), BadRequest)
    assert await lab.keys(bucket) == []


@refuses
async def an_object_without_a_key_is_refused(lab: Lab) -> None:
    """A delete, read or write without a key never turns into one of the bucket."""
    bucket = await lab.bucket()
    await refused(lab.store.delete(bucket, ""), BadRequest)
    await refused(lab.store.put(bucket, "", b"x"), BadRequest)
    await refused(lab.read(bucket, ""), BadRequest)
    assert bucket in await lab.store.list_buckets()


@refuses
async def a_key_is_not_found_under_a_similar_name(lab: Lab) -> None:
    """Nobody answers for a neighbour: not another case, not without a suffix, not the folder."""
    bucket = await lab.bucket()
    await lab.store.put(bucket, "a/Key 1", b"x")
    for other in ("a/key 1", "a/Key+1", "a/Key%201", "a/Key 1/", "a/Key", "a/", "a"):
        await refused(lab.store.head(bucket, other), NotFound)
