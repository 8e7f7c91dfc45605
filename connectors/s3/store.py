"""One S3-compatible endpoint, seen with the rights of one role: the port `Store` over any `Wire`.

Guarantees: one request a call (listings of buckets and parts: one a page), keys and header text sent as they are, one error of
`rules/errors.py` for everything that is not the answer asked for.
Refuses: to retry, to follow a redirect, to take an answer that does not fit the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from connectors.pace.gate import Gate
from connectors.pace.silence import Silence
from connectors.s3 import xml
from connectors.s3.customer_key import CustomerKey, KeyedRequests
from connectors.s3.headers import (
    CHECKSUM,
    attribute_headers,
    check_range,
    condition_headers,
    etag_of,
    head_of,
    length_of,
    md5_header,
    written_of,
)
from connectors.s3.requests import HostedWire, Renew, Request, Requests
from connectors.signer import Signer
from relocation.ports import Blocks, Body, Clock, Response
from relocation.rules.errors import NotFound, ProtocolError
from relocation.rules.objects import (
    LOCK_MODE,
    Acl,
    Attributes,
    Head,
    Listed,
    ListedPart,
    ListedUpload,
    ListedVersion,
    Page,
    Part,
    Written,
)

NO_ATTRIBUTES = Attributes()
SDK_CHECKSUM = ("x-amz-sdk-checksum-algorithm", "CRC64NVME")
CHECKSUM_MODE = ("x-amz-checksum-mode", "ENABLED")
URL_ENCODED = ("encoding-type", "url")
WHOLE_OR_PART = (200, 206)
DONE = (204, 200)


class S3Store:
    """The port `Store` over one wire, signed with one role's keys. The store owns the wire and closes it.

    Over plain http to another machine the body's SHA-256 is signed. Over TLS (`sign_payload=False`, see `must_sign_payload`) and
    loopback it is not: nobody can change it there, and checksums guard it. `customer_key` goes with each object (SSE-C).
    """

    def __init__(
        self,
        endpoint: str,
        role: str,
        wire: HostedWire,
        signer: Signer,
        clock: Clock,
        *,
        sign_payload: bool | None = None,
        gate: Gate | None = None,
        renew: Renew | None = None,
        silence: Silence | None = None,
        customer_key: CustomerKey | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.role = role
        plain = Requests(
            endpoint, role, wire, signer, clock=clock, sign_payload=sign_payload, gate=gate, renew=renew, silence=silence
        )
        self._requests = KeyedRequests(plain, customer_key) if customer_key else plain
        self.signs_bodies = self._requests.sign_payload

    # listings

    async def list_buckets(self) -> tuple[str, ...]:
        """Return the names of the buckets that the role may see, in the store's order."""
        names: list[str] = []
        token = ""
        while True:
            request = Request("s3:ListAllMyBuckets", "GET", "", query=_given({"continuation-token": token}))
            response = await self._requests.bucket(request)
            page, token = self._requests.read(request, xml.parse_buckets, response.body, token=token)
            names += page
            if not token:
                return tuple(names)

    async def list_objects(
        self, bucket: str, *, prefix: str = "", token: str = "", start_after: str = "", page_keys: int = 1000, delimiter: str = ""
    ) -> Page[Listed]:
        """Return one page of ListObjectsV2; see the port."""
        start = "" if token else start_after
        given = _given({"prefix": prefix, "delimiter": delimiter, "continuation-token": token, "start-after": start})
        query = [URL_ENCODED, ("list-type", "2"), ("max-keys", str(page_keys)), *given]
        request = Request("s3:ListBucket", "GET", bucket, query=query)
        response = await self._requests.bucket(request)
        return self._requests.read(request, xml.parse_objects, response.body, token=token)

    async def list_versions(
        self, bucket: str, *, prefix: str = "", token: str = "", start_after: str = "", page_keys: int = 1000, delimiter: str = ""
    ) -> Page[ListedVersion]:
        """Return one page of ListObjectVersions; see the port. A key marker alone begins behind all versions of its key."""
        key_marker, id_marker = xml.split_pair(token) if token else (start_after, "")
        given = _given({"prefix": prefix, "delimiter": delimiter, "key-marker": key_marker, "version-id-marker": id_marker})
        query = [URL_ENCODED, ("max-keys", str(page_keys)), ("versions", ""), *given]
        request = Request("s3:ListBucketVersions", "GET", bucket, query=query)
        response = await self._requests.bucket(request)
        return self._requests.read(request, xml.parse_versions, response.body, token=token)

    async def list_uploads(self, bucket: str, *, prefix: str = "", token: str = "") -> Page[ListedUpload]:
        """Return one page of ListMultipartUploads; see the port."""
        key_marker, id_marker = xml.split_pair(token)
        given = _given({"prefix": prefix, "key-marker": key_marker, "upload-id-marker": id_marker})
        query = [URL_ENCODED, ("max-uploads", "1000"), ("uploads", ""), *given]
        request = Request("s3:ListBucketMultipartUploads", "GET", bucket, query=query)
        response = await self._requests.bucket(request)
        return self._requests.read(request, xml.parse_uploads, response.body, token=token)

    # reading

    async def head(self, bucket: str, key: str, *, version_id: str = "", part_number: int = 0, if_match: str = "") -> Head:
        """Return what the store says of an object, a version or a part."""
        headers = [CHECKSUM_MODE, *condition_headers(if_match=if_match)]
        request = Request(_action("s3:GetObject", version_id), "HEAD", bucket, key, _selectors(version_id, part_number), headers)
        response = await self._requests.object(request, expected=WHOLE_OR_PART)
        return self._requests.read(request, _read_head, response, part_number)

    async def get(
        self,
        bucket: str,
        key: str,
        into: memoryview,
        *,
        if_match: str = "",
        version_id: str = "",
        part_number: int = 0,
        byte_range: tuple[int, int] | None = None,
    ) -> Head:
        """Read an object, a part or a range into `into`; see the port."""
        headers = [CHECKSUM_MODE, *condition_headers(if_match=if_match)]
        if byte_range is not None:
            headers.append(("range", f"bytes={byte_range[0]}-{byte_range[1]}"))
        request = Request(_action("s3:GetObject", version_id), "GET", bucket, key, _selectors(version_id, part_number), headers)
        response = await self._requests.object(request, expected=WHOLE_OR_PART, into=into)
        return self._requests.read(request, _read_body, response, part_number, byte_range)

    # writing

    async def put(
        self,
        bucket: str,
        key: str,
        body: Body,
        *,
        attributes: Attributes = NO_ATTRIBUTES,
        crc64nvme: str = "",
        if_none_match: bool = False,
        if_match: str = "",
        retain_until: str = "",
    ) -> Written:
        """Write an object whole; see the port."""
        headers = attribute_headers(attributes)
        headers += condition_headers(if_match=if_match, if_none_match=if_none_match)
        if crc64nvme:
            headers.append((CHECKSUM, crc64nvme))
        if retain_until:
            headers += [("x-amz-object-lock-mode", "COMPLIANCE"), ("x-amz-object-lock-retain-until-date", retain_until)]
        if retain_until or LOCK_MODE in dict(attributes.headers):  # then S3 wants to be told which checksum guards the body
            headers += [SDK_CHECKSUM] if crc64nvme else [] if isinstance(body, Blocks) else [md5_header(body)]
        request = Request("s3:PutObject", "PUT", bucket, key, (), headers, body)
        response = await self._requests.object(request)
        return self._requests.read(request, written_of, response.headers)

    async def create_upload(self, bucket: str, key: str, *, attributes: Attributes = NO_ATTRIBUTES, checksum: bool = True) -> str:
        """Begin a multipart upload and return its id; `checksum` asks for a full-object CRC64NVME."""
        headers = attribute_headers(attributes)
        if checksum:
            headers += [("x-amz-checksum-algorithm", "CRC64NVME"), ("x-amz-checksum-type", "FULL_OBJECT")]
        request = Request("s3:PutObject", "POST", bucket, key, (("uploads", ""),), headers)
        response = await self._requests.object(request)
        return self._requests.read(request, xml.parse_upload_id, response.body)

    async def put_part(self, bucket: str, key: str, upload_id: str, number: int, body: Body, *, crc64nvme: str = "") -> Part:
        """Upload one part. The checksum of the part returned is the store's: empty where it keeps none."""
        query = (("partNumber", str(number)), ("uploadId", upload_id))
        headers = [(CHECKSUM, crc64nvme)] if crc64nvme else []
        request = Request("s3:PutObject", "PUT", bucket, key, query, headers, body)
        response = await self._requests.object(request)
        return self._requests.read(request, _read_part, response, number)

    async def complete_upload(
        self,
        bucket: str,
        key: str,
        upload_id: str,
        parts: Sequence[Part],
        *,
        crc64nvme: str = "",
        if_none_match: bool = False,
        if_match: str = "",
    ) -> Written:
        """Complete an upload. The store may say 200 before it knows: only a body that is the result counts."""
        headers = condition_headers(if_match=if_match, if_none_match=if_none_match)
        if crc64nvme:
            headers += [(CHECKSUM, crc64nvme), ("x-amz-checksum-type", "FULL_OBJECT")]
        query = (("uploadId", upload_id),)
        request = Request("s3:PutObject", "POST", bucket, key, query, headers, xml.parts_document(parts))
        response = await self._requests.object(request)
        etag, checksum = self._requests.read(request, xml.parse_completed, response.body)
        return Written(etag, response.headers.get("x-amz-version-id", ""), checksum or response.headers.get(CHECKSUM, ""))

    async def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Drop an upload and its parts."""
        request = Request("s3:AbortMultipartUpload", "DELETE", bucket, key, (("uploadId", upload_id),))
        await self._requests.object(request, expected=DONE)

    async def list_parts(self, bucket: str, key: str, upload_id: str) -> tuple[ListedPart, ...]:
        """Return each part uploaded so far, all pages."""
        parts: list[ListedPart] = []
        marker = ""
        while True:
            query = [("max-parts", "1000"), ("uploadId", upload_id), *_given({"part-number-marker": marker})]
            request = Request("s3:ListMultipartUploadParts", "GET", bucket, key, query)
            response = await self._requests.object(request)
            page, marker = self._requests.read(request, xml.parse_parts, response.body, token=marker)
            parts += page
            if not marker:
                return tuple(parts)

    # tags, deletes, buckets

    async def get_tags(self, bucket: str, key: str, *, version_id: str = "") -> tuple[tuple[str, str], ...]:
        """Return (name, value) of each tag, sorted: the store keeps no order."""
        query = [("tagging", ""), *_selectors(version_id, 0)]
        request = Request(_action("s3:GetObject", version_id) + "Tagging", "GET", bucket, key, query)
        response = await self._requests.object(request)
        return self._requests.read(request, xml.parse_tags, response.body)

    async def get_acl(self, bucket: str, key: str, *, version_id: str = "") -> Acl:
        """Return the owner and the grants of an object or version."""
        query = [("acl", ""), *_selectors(version_id, 0)]
        request = Request(_action("s3:GetObject", version_id) + "Acl", "GET", bucket, key, query)
        response = await self._requests.object(request)
        return self._requests.read(request, xml.parse_acl, response.body)

    async def put_tags(self, bucket: str, key: str, tags: Sequence[tuple[str, str]], *, version_id: str = "") -> None:
        """Replace all tags of an object or version."""
        body = xml.tags_document(tags)
        query = [("tagging", ""), *_selectors(version_id, 0)]
        request = Request(_action("s3:PutObject", version_id) + "Tagging", "PUT", bucket, key, query, [md5_header(body)], body)
        await self._requests.object(request, expected=DONE)

    async def delete(self, bucket: str, key: str, *, version_id: str = "", if_match: str = "") -> None:
        """Delete a key (on a versioned bucket: lay a delete marker on it), or one version for good."""
        headers = condition_headers(if_match=if_match)
        request = Request(_action("s3:DeleteObject", version_id), "DELETE", bucket, key, _selectors(version_id, 0), headers)
        await self._requests.object(request, expected=DONE)

    async def get_versioning(self, bucket: str) -> str:
        """Return `Enabled`, `Suspended` or an empty string (never turned on)."""
        request = Request("s3:GetBucketVersioning", "GET", bucket, query=(("versioning", ""),))
        response = await self._requests.bucket(request)
        return self._requests.read(request, xml.parse_versioning, response.body)

    async def get_object_lock(self, bucket: str) -> bool:
        """Return whether the bucket was made with object lock."""
        request = Request("s3:GetBucketObjectLockConfiguration", "GET", bucket, query=(("object-lock", ""),))
        try:
            response = await self._requests.bucket(request)
        except NotFound:  # ObjectLockConfigurationNotFoundError: a bucket without
            return False
        root = self._requests.read(request, xml.parse, response.body, "ObjectLockConfiguration")
        return xml.fields(root).get("ObjectLockEnabled") == "Enabled"

    async def get_bucket_document(self, bucket: str, about: str, *, action: str) -> bytes:
        """Return one document of how a bucket is set up (`lifecycle`, `policy` …), as it came."""
        return bytes((await self._requests.bucket(Request(action, "GET", bucket, query=((about, ""),)))).body)

    async def server_time(self, bucket: str) -> float:
        """Return the store's clock. Any answer tells it, one that refuses us for our own clock too."""
        response = await self._requests.send(Request("s3:ListBucket", "HEAD", bucket))
        try:
            return parsedate_to_datetime(response.headers.get("date", "")).timestamp()
        except ValueError:
            raise ProtocolError(f"{self.endpoint}: an answer without a Date") from None

    async def close(self) -> None:
        """Close the wire."""
        await self._requests.close()


def _given(query: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in query.items() if value]


def _selectors(version_id: str, part_number: int) -> list[tuple[str, str]]:
    query = [("partNumber", str(part_number))] if part_number else []
    return [*query, ("versionId", version_id)] if version_id else query


def _action(action: str, version_id: str) -> str:
    """Return the IAM action; one for versions has a name of its own."""
    return f"{action}Version" if version_id else action


def _check_part(response: Response, part_number: int) -> None:
    """Raise a ProtocolError for a part that is not one, or where the whole was asked for (RFC 9110 §15.3.7)."""
    if part_number > 1 and response.status != 206:
        raise ProtocolError(f"part {part_number} was asked for, the answer is {response.status}, the whole object")
    if not part_number and response.status == 206:
        raise ProtocolError("the whole object was asked for, the answer is a part of it (206)")


def _read_head(response: Response, part_number: int) -> Head:
    _check_part(response, part_number)
    return head_of(response.headers, length_of(response.headers))


def _read_body(response: Response, part_number: int, byte_range: tuple[int, int] | None) -> Head:
    if byte_range is None:
        _check_part(response, part_number)
    else:
        check_range(response, byte_range)
    return head_of(response.headers, len(response.body), ranged=byte_range is not None)


def _read_part(response: Response, number: int) -> Part:
    return Part(number, etag_of(response.headers), response.headers.get(CHECKSUM, ""))
