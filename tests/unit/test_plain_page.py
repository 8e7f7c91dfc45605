"""Pages of a listing are read without a tree where they are written plainly, and mean the same as to the XML parser."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.s3 import xml
from connectors.s3.plain_page import read_plain
from relocation.rules.errors import ProtocolError

MINIO = (
    "<Contents><Key>{key}</Key><LastModified>2026-11-01T02:03:04.005Z</LastModified><ETag>&#34;{etag}&#34;</ETag><Size>{size}</Size>"
    "<StorageClass>STANDARD</StorageClass></Contents>"
)
AWS = (
    "<Contents><Key>{key}</Key><LastModified>2026-11-01T02:03:04.000Z</LastModified><ETag>&quot;{etag}&quot;</ETag>"
    "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>{size}</Size>"
    "<StorageClass></StorageClass></Contents>"
)
BARE = '<Contents><Size>{size}</Size><ETag>"{etag}"</ETag><LastModified>yesterday</LastModified><Key>{key}</Key></Contents>'
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>talk</Name><Prefix/>'
    "<NextContinuationToken>a&amp;b</NextContinuationToken><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
)
TAIL = "</ListBucketResult>"


def by_parser(body: bytes):
    """What the XML parser alone makes of a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml, "read_plain", lambda _: None)
        return read(body)


def read(body: bytes):
    try:
        return xml.parse_objects(body, token="t")
    except ProtocolError:
        return "refused"


def page(line: str, *keys: str, head: str = HEAD, tail: str = TAIL) -> bytes:
    lines = (line.format(key=key, etag=f"{number:032x}", size=number) for number, key in enumerate(keys))
    return (head + "".join(lines) + tail).encode()


@pytest.mark.parametrize("line", [MINIO, AWS, BARE], ids=["minio", "aws", "bare"])
def test_pages_of_known_stores_are_read_plainly_and_mean_the_same(line):
    """Each store's way to write an object is learned from the first of a page."""
    body = page(line, "a.jpg", "%E5%86%99+1", "b/c")
    plain = read_plain(body)
    assert plain is not None
    assert len(plain.listed(str)) == 3
    assert read(body) == by_parser(body)
    assert [item.key for item in read(body).items] == ["a.jpg", "写 1", "b/c"]
    assert read(body).next_token == "a&b"


ODD = {
    "an entity in a key": page(MINIO, "a", "a&amp;b"),
    "a control character": page(MINIO, "a", "a\x01b"),
    "a carriage return": page(MINIO, "a", "a\rb"),
    "the end of a section": page(MINIO, "a", "a]]>b"),
    "a key that is not ASCII": page(MINIO, "a", "写"),
    "a comment around all": page(MINIO, "a", head=HEAD + "<!--", tail="-->" + TAIL),
    "a comment within": page(MINIO, "a", "a<!-- -->b"),
    "a section": page(MINIO, "a", "<![CDATA[a]]>"),
    "an element around all": page(MINIO, "a", head=HEAD + "<More>", tail="</More>" + TAIL),
    "an instruction around all": page(MINIO, "a", head=HEAD + "<?x ", tail="?>" + TAIL),
    "another root": page(MINIO, "a").replace(b"ListBucketResult", b"ListVersionsResult"),
    "no end": page(MINIO, "a", tail=""),
    "more than one end": page(MINIO, "a", tail=TAIL + TAIL),
    "spaces between": page(MINIO + "\n ", "a", "b"),
    "a common prefix between": page(MINIO + "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>", "a", "b"),
    "two ways to write": page(MINIO, "a").replace(TAIL.encode(), AWS.format(key="b", etag="e", size=3).encode() + TAIL.encode()),
    "an owner": page(MINIO.replace("<Size>", "<Owner><ID>x</ID></Owner><Size>"), "a"),
    "two sizes": page(MINIO.replace("<Size>", "<Size>7</Size><Size>"), "a"),
    "no size": page(MINIO.replace("<Size>{size}</Size>", ""), "a"),
    "an odd size": page(MINIO.replace("{size}", "-1"), "a"),
    "a size in words": page(MINIO.replace("{size}", "one"), "a"),
    "half an object": page(MINIO, "a", "b").replace(b"<Contents><Key>b", b"<Contents>"),
    "nothing": page(MINIO),
    "a DTD": b'<!DOCTYPE x [<!ENTITY a "b">]>' + page(MINIO, "a", head=HEAD.partition("\n")[2]),
    "a second declaration": page(MINIO, "a").replace(b"<Contents>", b"<?xml version='1.0'?><Contents>", 1),
    "a key that is no UTF-8": page(MINIO, "a", "%FF"),
    "quotes of a key": page(MINIO, '"a"', '"b"'),
    "a quote within a tag": page(BARE, "a", "b").replace(b'1"', b'1"1"'),
    "a plain quote within a tag": page(MINIO, "a", "b").replace(b"1&", b'1"&'),
    "an element within a tag": page(MINIO, "a", "b").replace(b"1&", b"1<b/>&"),
    "the next object within a tag": page(MINIO, "a", "b").replace(b"0&#34;", b"0"),
    "an attribute": page(MINIO.replace("<Key>", "<Key x='1'>"), "a"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_written_otherwise_means_what_the_parser_says(name):
    """S8, S10: an odd page is read as before or refused as before; the short way decides nothing by itself."""
    assert read(ODD[name]) == by_parser(ODD[name])


PIECES = [
    HEAD,
    TAIL,
    MINIO,
    AWS,
    "<Contents>",
    "</Contents>",
    "<Key>k</Key>",
    "<!--",
    "-->",
    "<?x",
    "?>",
    "&amp;",
    "&#34;",
    " ",
    "]]>",
    "<a>",
    "</a>",
]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=6), cut=st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_whatever_a_page_is_made_of_both_ways_agree(pieces, cut):
    """Any mixture of what pages are made of, cut anywhere."""
    middle = "".join(pieces).replace("{key}", "k").replace("{etag}", "e").replace("{size}", "1")
    for body in (HEAD + middle + TAIL, middle, (HEAD + middle + TAIL)[:-cut]):
        assert read(body.encode()) == by_parser(body.encode())
