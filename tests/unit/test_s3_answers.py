"""What no honest store says: answers that do not fit, over a wire that plays them. None is ever taken for the answer asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

import pytest

from connectors.s3 import S3Store
from connectors.s3.requests import must_sign_payload
from connectors.signer import Signer
from relocation.ports import Response
from relocation.rules.errors import (
    BadRequest,
    BucketMissing,
    ChecksumRejected,
    Forbidden,
    HikkoshiError,
    NoSpace,
    NotFound,
    PreconditionFailed,
    ProtocolError,
    Refusal,
    SlowDown,
    Transient,
    Untrusted,
    WrongCredentials,
)
from relocation.rules.objects import Attributes, Part

NOW = 1_700_000_000.0
GOOD = {"etag": '"abc"', "content-length": "5", "last-modified": "Wed, 12 Feb 2025 20:18:48 GMT"}


class FixedClock:
    def now(self) -> float:
        return NOW

    def worked(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a store never waits")


@dataclass(slots=True)
class PlayedWire:
    """Plays answers in order and keeps what was asked."""

    answers: list[Response]
    host: str = "127.0.0.1:9000"
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes | memoryview = b"",
        *,
        into: memoryview | None = None,
    ) -> Response:
        self.asked.append((method, target, dict(headers)))
        answer = self.answers.pop(0)
        if into is not None and answer.status < 300:
            into[: len(answer.body)] = answer.body
        return answer

    async def close(self) -> None:
        """Nothing is open."""


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, memoryview(body))


def error(status: int, code: str, **headers: str) -> Response:
    return answer(status, f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>No.</Message></Error>'.encode(), **headers)


def good(status: int = 200, body: bytes = b"hello", **headers: str) -> Response:
    return Response(status, {**GOOD, **{name.replace("_", "-"): value for name, value in headers.items()}}, memoryview(body))


def store(*answers: Response) -> tuple[S3Store, PlayedWire]:
    wire = PlayedWire(list(answers))
    return S3Store("korea", "reader", wire, Signer("key", "secret", "", "ap-northeast-2"), FixedClock()), wire


Call = Callable[[S3Store], Awaitable[object]]


async def raised(call: Call, *answers: Response) -> HikkoshiError:
    made, _ = store(*answers)
    with pytest.raises(HikkoshiError) as caught:
        await call(made)
    return caught.value


def head(made: S3Store) -> Awaitable[object]:
    return made.head("talk", "a b")


def get(made: S3Store) -> Awaitable[object]:
    return made.get("talk", "a b", memoryview(bytearray(64)))


def part_two(made: S3Store) -> Awaitable[object]:
    return made.get("talk", "a b", memoryview(bytearray(64)), part_number=2)


def some_range(made: S3Store) -> Awaitable[object]:
    return made.get("talk", "a b", memoryview(bytearray(64)), byte_range=(2, 6))


def put(made: S3Store) -> Awaitable[object]:
    return made.put("talk", "a b", b"hello")


def listing(made: S3Store) -> Awaitable[object]:
    return made.list_objects("talk", token="t")


def versions(made: S3Store) -> Awaitable[object]:
    return made.list_versions("talk", token="k&v")


def uploads(made: S3Store) -> Awaitable[object]:
    return made.list_uploads("talk")


def complete(made: S3Store) -> Awaitable[object]:
    return made.complete_upload("talk", "a b", "id", [Part(1, "abc")])


MEANINGS = [
    (404, "NoSuchKey", NotFound),
    (404, "NoSuchBucket", BucketMissing),
    (404, "NoSuchUpload", NotFound),
    (403, "AccessDenied", Forbidden),
    (403, "SomethingNew", Forbidden),
    (403, "InvalidAccessKeyId", WrongCredentials),
    (403, "SignatureDoesNotMatch", WrongCredentials),
    (400, "ExpiredToken", WrongCredentials),
    (403, "RequestTimeTooSkewed", Refusal),
    (412, "PreconditionFailed", PreconditionFailed),
    (400, "BadDigest", ChecksumRejected),
    (400, "XAmzContentChecksumMismatch", ChecksumRejected),
    (400, "XMinioAdminBucketQuotaExceeded", NoSpace),
    (403, "QuotaExceeded", NoSpace),
    (507, "XMinioStorageFull", NoSpace),
    (507, "", NoSpace),
    (400, "RequestTimeout", Transient),
    (409, "OperationAborted", Transient),
    (409, "ConditionalRequestConflict", Transient),
    (409, "InvalidBucketState", BadRequest),
    (400, "InvalidTag", BadRequest),
    (416, "InvalidRange", BadRequest),
    (501, "NotImplemented", BadRequest),
    (500, "InternalError", Transient),
    (502, "", Transient),
    (503, "SlowDown", SlowDown),
    (503, "SlowDownRead", SlowDown),
    (429, "TooManyRequests", SlowDown),
    (301, "PermanentRedirect", Untrusted),
    (307, "", Untrusted),
    (304, "", ProtocolError),
    (204, "", ProtocolError),
]


@pytest.mark.parametrize(("status", "code", "kind"), MEANINGS)
async def test_a_refusal_means_one_error(status: int, code: str, kind: type[HikkoshiError]) -> None:
    """Each status and code of a store stands for exactly one error of the tree; its message names endpoint and place."""
    found = await raised(get, error(status, code) if code else answer(status))
    assert type(found) is kind
    assert "korea" in str(found)
    assert "talk" in str(found)


@pytest.mark.parametrize(("code", "seconds"), [("SlowDown", 60.0), ("SlowDownRead", None)])
async def test_a_rotten_object_makes_nobody_wait(code: str, seconds: float | None) -> None:
    """An endpoint that asks for less is given the time that it asks for; an object that can't be read is not waited for."""
    found = await raised(get, error(503, code, **{"retry-after": "60"}))
    assert isinstance(found, SlowDown)
    assert found.retry_after_s == seconds


async def test_a_missing_right_is_named() -> None:
    """The message says who may not do what on which object, percent-encoded."""
    found = await raised(get, error(403, "AccessDenied"))
    assert "korea: role reader may not s3:GetObject on talk/a%20b" in str(found)
    found = await raised(listing, error(403, "AccessDenied"))
    assert "role reader may not s3:ListBucket on talk" in str(found)


async def test_a_page_of_somebody_in_between_is_no_answer() -> None:
    """A 404 page that is not S3's makes no object look gone; the same for a body with <Error> somewhere in it."""
    for body in (b"<html><body>404 Not Found</body></html>", b"<html><Error><Code>NoSuchKey</Code></Error></html>"):
        assert type(await raised(get, answer(404, body))) is ProtocolError


async def test_a_head_without_a_body_is_not_found() -> None:
    """HEAD has no body: a bare 404 is "not there", and MinIO's header tells a missing bucket."""
    assert type(await raised(head, answer(404))) is NotFound
    assert type(await raised(head, answer(404, x_minio_error_code="NoSuchBucket"))) is BucketMissing


@pytest.mark.parametrize("status", [404, 405])
async def test_a_delete_marker_is_deleted(status: int) -> None:
    """`x-amz-delete-marker` tells "deleted" from "never there", with a 404 and (asked by version) with a 405."""
    found = await raised(head, answer(status, x_amz_delete_marker="true"))
    assert isinstance(found, NotFound)
    assert found.deleted


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0), ("Tue, 14 Nov 2023 22:13:10 GMT", 0.0), ("soon", None)],
)
async def test_retry_after_is_read(text: str, seconds: float | None) -> None:
    """Seconds or a date; a date that has passed is now; anything else is nothing."""
    found = await raised(get, error(503, "SlowDown", retry_after=text))
    assert isinstance(found, SlowDown)
    assert found.retry_after_s == seconds


@pytest.mark.parametrize("call", [listing, versions, uploads, complete, put])
async def test_an_error_in_a_200_is_an_error(call: Call) -> None:
    """A 200 whose body is an <Error> is never success (hazard N11)."""
    assert type(await raised(call, error(200, "InternalError", etag='"abc"'))) is Transient
    assert type(await raised(call, error(200, "AccessDenied", etag='"abc"'))) is Forbidden
    assert type(await raised(call, error(200, "SomethingNew", etag='"abc"'))) is ProtocolError


PAGE = b"<ListBucketResult><IsTruncated>%s</IsTruncated>%s<Contents>%s</Contents></ListBucketResult>"
LINE = b"<Key>k</Key><Size>1</Size><ETag>e</ETag><LastModified>t</LastModified>"
BROKEN_PAGES = {
    "empty": b"",
    "html": b"<html><body>ok</body></html>",
    "another root": b"<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>",
    "cut short": PAGE[:40],
    "a DTD": b'<!DOCTYPE x [<!ENTITY a "b">]>' + PAGE % (b"false", b"", LINE),
    "not said whether it is the last": b"<ListBucketResult></ListBucketResult>",
    "neither true nor false": PAGE % (b"maybe", b"", LINE),
    "truncated without a token": PAGE % (b"true", b"", LINE),
    "the token that was sent": PAGE % (b"true", b"<NextContinuationToken>t</NextContinuationToken>", LINE),
    "a line without a size": PAGE % (b"false", b"", LINE.replace(b"<Size>1</Size>", b"")),
    "a line with an odd size": PAGE % (b"false", b"", LINE.replace(b"<Size>1", b"<Size>one")),
    "a key that is no UTF-8": PAGE % (b"false", b"<EncodingType>url</EncodingType>", LINE.replace(b"<Key>k", b"<Key>%FF")),
}


@pytest.mark.parametrize("name", BROKEN_PAGES)
async def test_a_broken_page_is_no_listing(name: str) -> None:
    """A listing counts only if it ended by protocol: anything else is an error and no inventory (hazards S8, S10)."""
    assert type(await raised(listing, answer(200, BROKEN_PAGES[name]))) is ProtocolError


async def test_keys_are_decoded_only_where_they_were_encoded() -> None:
    """A page that does not say `EncodingType` has its keys as they are."""
    plain = PAGE % (b"false", b"", LINE.replace(b"<Key>k", b"<Key>a%2Bb+c"))
    encoded = PAGE % (b"false", b"<EncodingType>url</EncodingType>", LINE.replace(b"<Key>k", b"<Key>a%2Bb+c"))
    made, _ = store(answer(200, plain), answer(200, encoded))
    assert [(await made.list_objects("talk")).items[0].key for _ in range(2)] == ["a%2Bb+c", "a+b c"]


async def test_versions_are_paged_by_both_markers() -> None:
    """The token of the versions listing holds key and version; odd characters in them come through."""
    page = (
        b"<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        b"<NextKeyMarker>a%26b+c</NextKeyMarker><NextVersionIdMarker>v&amp;1</NextVersionIdMarker></ListVersionsResult>"
    )
    last = b"<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>"
    made, wire = store(answer(200, page), answer(200, last))
    token = (await made.list_versions("talk")).next_token
    await made.list_versions("talk", token=token)
    query = dict(pair.split("=", 1) for pair in wire.asked[1][1].partition("?")[2].split("&"))
    assert (unquote(query["key-marker"]), unquote(query["version-id-marker"])) == ("a&b c", "v&1")


async def test_spaces_before_a_result_are_no_error() -> None:
    """A store that takes long to join parts sends spaces ahead of its XML."""
    body = b'   \n <?xml version="1.0"?><CompleteMultipartUploadResult><ETag>"abc-1"</ETag></CompleteMultipartUploadResult>'
    made, _ = store(answer(200, body))
    assert (await made.complete_upload("talk", "k", "id", [Part(1, "abc")])).etag == "abc-1"


@pytest.mark.parametrize(
    ("call", "played"),
    [
        (head, good(body=b"", content_length="")),
        (head, Response(200, {"etag": '"abc"', "last-modified": GOOD["last-modified"]}, memoryview(b""))),
        (head, good(body=b"", last_modified="yesterday")),
        (get, good(etag="")),
        (get, good(206)),
        (part_two, good(200)),
        (some_range, good(200)),
        (some_range, good(206)),
        (some_range, good(206, content_range="bytes 0-4/10")),
        (some_range, good(206, content_range="bytes 2-6/*")),
        (some_range, good(206, content_range="bytes 2-5/10")),
        (some_range, good(206, body=b"hell", content_range="bytes 2-6/10")),
        (put, answer(200)),
        (complete, answer(200, b"")),
        (complete, answer(200, b"<CompleteMultipartUploadResult/>")),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused(call: Call, played: Response) -> None:
    """No length, no time, no ETag, a part for the whole, the whole for a part, another range: never used (hazards N4, N5)."""
    assert type(await raised(call, played)) is ProtocolError


async def test_a_range_up_to_the_end_is_fine() -> None:
    """The negative control of the test above: the very range, and one that is cut at the object's end, are taken."""
    made, _ = store(good(206, content_range="bytes 2-6/10"), good(206, content_range="bytes 2-6/7"))
    assert (await some_range(made)).size == 5  # type: ignore[attr-defined]
    assert (await some_range(made)).size == 5  # type: ignore[attr-defined]


async def test_a_composite_checksum_is_none_of_the_object() -> None:
    """A checksum of checksums, by its type or its `-2`, does not cover the object."""
    composite = good(x_amz_checksum_crc64nvme="abc=", x_amz_checksum_type="COMPOSITE")
    made, _ = store(
        composite, good(x_amz_checksum_sha256="abc=-2"), good(x_amz_checksum_crc64nvme="abc=", x_amz_checksum_type="FULL_OBJECT")
    )
    found = [(await made.head("talk", "k")).checksums for _ in range(3)]
    assert found == [(), (), (("crc64nvme", "abc="),)]


async def test_nothing_is_sent_without_a_key_or_with_a_broken_header() -> None:
    """A DELETE without a key would be one of the bucket; a line break in metadata would begin a header of its own."""
    made, wire = store()
    smuggled = Attributes(metadata=(("a", "b\r\nc: d"),))
    for call in (made.delete("talk", ""), made.put("talk", "k", b"", attributes=smuggled), made.put("talk", "\ud800", b"")):
        with pytest.raises(BadRequest):
            await call
    assert wire.asked == []


async def test_what_is_asked_is_what_was_meant() -> None:
    """Path-style, the key percent-encoded once, nothing compressed, checksums asked for, the ETag in quotes."""
    made, wire = store(good())
    await made.get("talk", "a b/%2F+é", memoryview(bytearray(64)), if_match="abc", version_id="v")
    method, target, headers = wire.asked[0]
    assert (method, target) == ("GET", "/talk/a%20b/%252F%2B%C3%A9?versionId=v")
    assert headers["accept-encoding"] == "identity"
    assert headers["x-amz-checksum-mode"] == "ENABLED"
    assert headers["if-match"] == '"abc"'
    assert headers["host"] == "127.0.0.1:9000"


@pytest.mark.parametrize(
    ("url", "must"),
    [("https://s3.example", False), ("http://127.0.0.1:9000", False), ("http://[::1]:9000", False), ("http://10.0.0.1:9000", True)],
)
def test_a_body_is_signed_where_it_could_be_changed(url: str, must: bool) -> None:
    """Over plain http to another machine the body's hash is part of the signature."""
    assert must_sign_payload(url) is must


async def test_the_clock_of_a_store_that_refuses_us_can_be_read() -> None:
    """The `Date` of a 403 says why we were refused."""
    made, _ = store(answer(403, date="Tue, 14 Nov 2023 22:13:20 GMT"))
    assert await made.server_time("talk") == NOW
    made, _ = store(answer(200, date="now"))
    with pytest.raises(ProtocolError):
        await made.server_time("talk")
