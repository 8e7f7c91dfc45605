"""S3's XML, read by the C ElementTree: pages of listings, results, configurations.

Guarantees: a document counts only if it is well-formed, has no DTD and has the root element that was due; a page of a listing only
if it says whether it is the last and, if not, where the next begins, further on. Refuses everything else as a `ProtocolError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape  # xml.sax.saxutils has the same, and loads an HTTP client with it
from typing import TypeVar
from urllib.parse import quote, unquote, unquote_plus
from xml.etree import ElementTree

from connectors.s3.plain_page import read_plain
from relocation.rules.errors import ProtocolError
from relocation.rules.objects import Acl, Listed, ListedPart, ListedUpload, ListedVersion, Page, Part

Item = TypeVar("Item")
Decode = Callable[[str], str]


def parse(body: bytes | memoryview, root: str, *, also: str = "") -> ElementTree.Element:
    """Return the document whose root element is `root`, or `also` where a known store says it so."""
    data = bytes(body).lstrip()  # a store that takes long sends spaces ahead, to keep the connection alive
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ProtocolError(f"a DTD in an answer that should be {root}")
    try:
        document = ElementTree.fromstring(data)  # noqa: S314 - no DTD, and expat bounds what entities may expand to
    except ElementTree.ParseError as error:
        raise ProtocolError(f"an answer that should be {root} is no XML: {error}") from None
    if local(document.tag) not in {root, also}:
        raise ProtocolError(f"an answer that should be {root} is {local(document.tag)[:60]}")
    return document


def local(tag: str) -> str:
    """Return an element's name without its namespace."""
    return tag.rpartition("}")[2]


def fields(element: ElementTree.Element) -> dict[str, str]:
    """Return the texts of an element's children by name; of several with one name, the last."""
    return {child.tag.rpartition("}")[2]: child.text or "" for child in element}


def children(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Yield the children of that name."""
    return (child for child in element if local(child.tag) == name)


def below(element: ElementTree.Element, *names: str) -> list[ElementTree.Element]:
    """Return the elements that this path of names leads to."""
    found = [element]
    for name in names:
        found = [child for each in found for child in children(each, name)]
    return found


def parse_buckets(body: bytes | memoryview, *, token: str) -> tuple[list[str], str]:
    """Read ListAllMyBucketsResult: names, and the token of the next page (empty: the last)."""
    root = parse(body, "ListAllMyBucketsResult")
    try:
        names = [fields(bucket)["Name"] for group in children(root, "Buckets") for bucket in group]
    except KeyError as error:
        raise ProtocolError(f"a bucket without its {error}") from None
    following = fields(root).get("ContinuationToken", "")
    return names, "" if following == token else following


def parse_objects(body: bytes | memoryview, *, token: str) -> Page[Listed]:
    """Read ListBucketResult (V2). Common prefixes are items with an empty `etag`, in the order of their names."""
    plain = read_plain(bytes(body))
    root = parse(plain.frame if plain else body, "ListBucketResult")
    top = fields(root)
    decode = decoder(top)
    items = plain.listed(decode) if plain else tuple(_objects(root, decode))
    return Page(items, _next(top, top.get("NextContinuationToken", ""), token))


def _objects(root: ElementTree.Element, decode: Decode) -> list[Listed]:
    items: list[Listed] = []
    prefixes = False
    for element in root:
        name = local(element.tag)
        if name == "Contents":
            row = fields(element)
            items.append(_listed(row, decode))
        elif name == "CommonPrefixes":
            prefixes = True
            items.append(Listed(decode(fields(element).get("Prefix", "")), 0, "", ""))
    if prefixes:
        items.sort(key=lambda item: item.key)
    return items


def _listed(row: dict[str, str], decode: Decode) -> Listed:
    try:
        return Listed(
            decode(row["Key"]), int(row["Size"]), row["ETag"].strip('"'), row["LastModified"], row.get("StorageClass") or "STANDARD"
        )
    except (KeyError, ValueError) as error:
        raise ProtocolError(f"a listing's line without its {error}") from None


def parse_versions(body: bytes | memoryview, *, token: str) -> Page[ListedVersion]:
    """Read ListVersionsResult: versions and delete markers, in the store's order. Common prefixes have no version id."""
    root = parse(body, "ListVersionsResult")
    top = fields(root)
    decode = decoder(top)
    items = [
        _version(fields(element), decode, is_marker=local(element.tag) == "DeleteMarker")
        for element in root
        if local(element.tag) in {"Version", "DeleteMarker"}
    ]
    if prefixes := [decode(fields(element).get("Prefix", "")) for element in children(root, "CommonPrefixes")]:
        items = sorted((*items, *map(_folded, prefixes)), key=lambda item: item.key)
    return Page(tuple(items), _next(top, _pair(top, decode, "NextKeyMarker", "NextVersionIdMarker"), token))


def _folded(prefix: str) -> ListedVersion:
    return ListedVersion(prefix, "", is_latest=True, is_delete_marker=False, size=0, etag="", last_modified="")


def _version(row: dict[str, str], decode: Decode, *, is_marker: bool) -> ListedVersion:
    try:
        size = 0 if is_marker else int(row["Size"])
        etag = "" if is_marker else row["ETag"].strip('"')
        latest = {"true": True, "false": False}[row["IsLatest"]]
        storage_class = row.get("StorageClass") or "STANDARD"
        return ListedVersion(
            decode(row["Key"]), row["VersionId"], latest, is_marker, size, etag, row["LastModified"], storage_class
        )
    except (KeyError, ValueError) as error:
        raise ProtocolError(f"a versions listing's line without its {error}") from None


def parse_uploads(body: bytes | memoryview, *, token: str) -> Page[ListedUpload]:
    """Read ListMultipartUploadsResult."""
    root = parse(body, "ListMultipartUploadsResult")
    top = fields(root)
    decode = decoder(top)
    rows = [fields(element) for element in children(root, "Upload")]
    try:
        items = tuple(ListedUpload(decode(row["Key"]), row["UploadId"], row["Initiated"]) for row in rows)
    except KeyError as error:
        raise ProtocolError(f"an uploads listing's line without its {error}") from None
    return Page(items, _next(top, _pair(top, decode, "NextKeyMarker", "NextUploadIdMarker"), token))


def parse_parts(body: bytes | memoryview, *, token: str) -> tuple[list[ListedPart], str]:
    """Read ListPartsResult: each part, and the marker of the next page (empty: the last)."""
    root = parse(body, "ListPartsResult", also="ListPartsResponse")  # moto
    top = fields(root)
    rows = [fields(element) for element in children(root, "Part")]
    try:
        items = [
            ListedPart(int(row["PartNumber"]), int(row["Size"]), row["ETag"].strip('"'), row.get("ChecksumCRC64NVME", ""))
            for row in rows
        ]
    except (KeyError, ValueError) as error:
        raise ProtocolError(f"a parts listing's line without its {error}") from None
    return items, _next(top, top.get("NextPartNumberMarker", ""), token)


def parse_upload_id(body: bytes | memoryview) -> str:
    """Read InitiateMultipartUploadResult."""
    upload_id = fields(parse(body, "InitiateMultipartUploadResult")).get("UploadId", "")
    if not upload_id:
        raise ProtocolError("an upload was begun without an id")
    return upload_id


def parse_completed(body: bytes | memoryview) -> tuple[str, str]:
    """Read CompleteMultipartUploadResult: the ETag, and the full-object CRC64NVME if the store says one."""
    top = fields(parse(body, "CompleteMultipartUploadResult"))
    etag = top.get("ETag", "").strip('"')
    if not etag:
        raise ProtocolError("an upload was completed without an ETag")
    checksum = top.get("ChecksumCRC64NVME", "")
    return etag, "" if "-" in checksum else checksum


def parse_versioning(body: bytes | memoryview) -> str:
    """Read VersioningConfiguration: `Enabled`, `Suspended` or empty."""
    return fields(parse(body, "VersioningConfiguration", also="GetBucketVersioningResponse")).get("Status", "")  # moto


def parse_tags(body: bytes | memoryview) -> tuple[tuple[str, str], ...]:
    """Read Tagging, sorted by name."""
    tags = [fields(tag) for set_ in children(parse(body, "Tagging"), "TagSet") for tag in children(set_, "Tag")]
    try:
        return tuple(sorted((tag["Key"], tag["Value"]) for tag in tags))
    except KeyError as error:
        raise ProtocolError(f"a tag without its {error}") from None


def parse_acl(body: bytes | memoryview) -> Acl:
    """Read AccessControlPolicy: its owner, and each grant with whom it is for, sorted."""
    root = parse(body, "AccessControlPolicy")
    owner = "id:" + next((fields(each).get("ID", "") for each in children(root, "Owner")), "")
    grants = []
    for list_ in children(root, "AccessControlList"):
        for grant in children(list_, "Grant"):
            permission = fields(grant).get("Permission", "")
            grantees = [_grantee(fields(each)) for each in children(grant, "Grantee")]
            if not permission or len(grantees) != 1:
                raise ProtocolError("a grant that does not say what it allows to whom")
            grants.append((grantees[0], permission))
    return Acl(owner, tuple(sorted(grants)))


def _grantee(whom: dict[str, str]) -> str:
    if "URI" in whom:
        return "group:" + whom["URI"].rpartition("/")[2]
    return f"email:{whom['EmailAddress']}" if "EmailAddress" in whom else "id:" + whom.get("ID", "")


def decoder(top: dict[str, str]) -> Decode:
    """Return how the page's keys are to be read: percent-decoded only where the store says that it encoded them."""
    if top.get("EncodingType") != "url":
        return str
    return _decode


def _decode(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise ProtocolError(f"a key that is no UTF-8: {text[:200]}") from None


def _next(top: dict[str, str], following: str, sent: str) -> str:
    """Return the next page's token. A page that says neither "last" nor where to go on is no page."""
    truncated = top.get("IsTruncated")
    if truncated == "false":
        return ""
    if truncated != "true":
        raise ProtocolError("a page of a listing that does not say whether it is the last")
    if not following or following == sent:
        raise ProtocolError("a page of a listing says that more follows, but not where")
    return following


def _pair(top: dict[str, str], decode: Decode, key: str, id_: str) -> str:
    """Return both markers as one token; empty where there is no key marker."""
    return f"{quote(decode(top[key]), safe='')}&{quote(top.get(id_, ''), safe='')}" if top.get(key) else ""


def split_pair(token: str) -> tuple[str, str]:
    """Return the key marker and id marker of a token that `_pair` made."""
    key, _, id_ = token.partition("&")
    return unquote(key), unquote(id_)


def parts_document(parts: Sequence[Part]) -> bytes:
    """Return the body of CompleteMultipartUpload."""
    rows = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{escape(part.etag)}&quot;</ETag>"
        + (f"<ChecksumCRC64NVME>{escape(part.crc64nvme)}</ChecksumCRC64NVME>" if part.crc64nvme else "")
        + "</Part>"
        for part in parts
    )
    return f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{rows}</CompleteMultipartUpload>'.encode()


def tags_document(tags: Sequence[tuple[str, str]]) -> bytes:
    """Return the body of PutObjectTagging."""
    rows = "".join(f"<Tag><Key>{escape(name)}</Key><Value>{escape(value)}</Value></Tag>" for name, value in tags)
    return f'<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet>{rows}</TagSet></Tagging>'.encode()
