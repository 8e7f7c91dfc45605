"""What is peculiar to MinIO: each line was a surprise, and a migration relies on it or must know it.

An upgrade of MinIO that changes one turns a test red. The docstrings are the lines of `docs/compatibility.md`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from minio import MinioAdmin
from minio.credentials import StaticProvider

from connectors.s3 import S3Store
from connectors.s3.requests import Request, Requests
from connectors.signer import Signer
from connectors.wire import LeanWire
from relocation.ports import Response
from relocation.rules.errors import (
    BadRequest,
    ChecksumRejected,
    Forbidden,
    NoSpace,
    NotFound,
    Refusal,
    SlowDown,
    Transient,
    Untrusted,
    WrongCredentials,
)
from relocation.rules.objects import Attributes, Page
from tests.contract.lab import PART, Lab, refused
from tests.contract.labs import Site, SystemClock, server_lab, site_of
from tests.contract.minio_facts import fact
from tests.servers import Server, minio_server

pytestmark = pytest.mark.server


class Rewriting(LeanWire):
    """A proxy in between that writes another `Host`."""

    async def request(self, method: str, target: str, headers: Sequence[tuple[str, str]], *rest, **named) -> Response:
        others = [("host", "korea.example") if name == "host" else (name, value) for name, value in headers]
        return await super().request(method, target, others, *rest, **named)


class SlowClock(SystemClock):
    """A clock that is an hour late."""

    def now(self) -> float:
        return super().now() - 3600


@dataclass(frozen=True, slots=True)
class Minio:
    """A lab on MinIO, its administrator and its drive."""

    lab: Lab
    admin: MinioAdmin
    server: Server

    def store(self, access_key: str = "", secret_key: str = "", **otherwise) -> S3Store:
        """Return a store of its own, with another wire, region or clock; the test closes it."""
        region = otherwise.get("region", self.server.region)
        signer = Signer(access_key or self.server.access_key, secret_key or self.server.secret_key, "", region)
        wire = otherwise.get("wire", LeanWire)(self.server.url)
        return S3Store("minio", "application", wire, signer, otherwise.get("clock", SystemClock()))

    def user(self, name: str, *statements: dict[str, object]) -> S3Store:
        """Make a user with a policy, and return the store as it sees it."""
        self.admin.user_add(name, f"{name}-secret")
        self.admin.policy_add(name, policy={"Version": "2012-10-17", "Statement": list(statements)})
        self.admin.policy_set(name, user=name)
        return self.store(name, f"{name}-secret")

    async def send(self, bucket: str, key: str, headers: list[tuple[str, str]], body: bytes = b"hello") -> Response:
        """PUT with headers that the port does not have."""
        signer = Signer(self.server.access_key, self.server.secret_key, "", self.server.region)
        requests = Requests("minio", "root", LeanWire(self.server.url), signer, clock=SystemClock(), sign_payload=None)
        try:
            return await requests.object(Request("s3:PutObject", "PUT", bucket, key, (), headers, body))
        finally:
            await requests.close()


@pytest.fixture(scope="module")
def site(minio: Server) -> Iterator[Site]:
    with site_of(minio) as made:
        yield made


@pytest.fixture
async def here(site: Site) -> AsyncIterator[Minio]:
    host = site.server.url.removeprefix("http://")
    admin = MinioAdmin(endpoint=host, credentials=StaticProvider(site.server.access_key, site.server.secret_key), secure=False)
    async with server_lab(site, "lean") as lab:
        yield Minio(lab, admin, site.server)


def allow(*actions: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": ["arn:aws:s3:::*"]}


def deny(*actions: str) -> dict[str, object]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": ["arn:aws:s3:::*"]}


@fact
async def test_a_bucket_policy_is_no_fence(here: Minio, site: Site) -> None:
    """A bucket policy that denies `s3:PutObject` to everybody stops no signed-in user: it binds anonymous callers only."""
    bucket = await here.lab.bucket()
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }
    site.control._client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    application = here.user("policy-app", allow("s3:*"))
    await application.put(bucket, "k", b"late")
    assert await here.lab.read(bucket, "k") == b"late"
    await application.close()


@fact
async def test_an_iam_deny_fences_at_once(here: Minio) -> None:
    """An explicit Deny in the application user's own IAM policy fences it at once (403), and leaves it its reads."""
    bucket = await here.lab.bucket()
    application = here.user("fenced-app", allow("s3:*"))
    await application.put(bucket, "k", b"early")
    here.admin.policy_add("fenced-app", policy={"Version": "2012-10-17", "Statement": [allow("s3:*"), deny("s3:PutObject")]})
    await refused(application.put(bucket, "k", b"late"), Forbidden)
    assert (await application.head(bucket, "k")).size == 5
    await application.close()


@fact
async def test_a_quota_of_one_byte_fences_everybody(here: Minio) -> None:
    """A bucket quota of 1 byte fences everybody, root too, for PUT and parts; **empty objects, the begin of an upload and deletes
    still pass**; clearing it lifts the fence."""
    bucket = await here.lab.bucket()
    store = here.lab.store
    await store.put(bucket, "old", b"x")
    here.admin.bucket_quota_set(bucket, 1)
    await refused(store.put(bucket, "k", b"late"), NoSpace)
    upload = await store.create_upload(bucket, "k", checksum=False)
    await refused(store.put_part(bucket, "k", upload, 1, b"late"), NoSpace)
    await store.put(bucket, "empty", b"")
    await store.delete(bucket, "old")
    here.admin.bucket_quota_clear(bucket)
    await store.put(bucket, "k", b"again")
    assert await here.lab.keys(bucket) == ["empty", "k"]


@fact
async def test_an_upload_begun_before_versioning_replaces_version_null(here: Minio) -> None:
    """Turning versioning on pins what is there as version `null`, but **an upload that was begun before and completes after
    still replaces `null`**: older uploads have to be drained or aborted before an erase is planned."""
    bucket = await here.lab.bucket()
    store = here.lab.store
    await store.put(bucket, "k", b"before")
    upload = await store.create_upload(bucket, "k", checksum=False)
    part = await store.put_part(bucket, "k", upload, 1, b"late")
    await here.lab.set_versioning(bucket, "Enabled")
    await store.complete_upload(bucket, "k", upload, [part])
    assert await here.lab.read(bucket, "k", version_id="null") == b"late"
    assert [item.version_id for item in (await store.list_versions(bucket)).items] == ["null"]


@fact
@pytest.mark.parametrize("algorithm", ["xxhash64", "xxhash3", "xxhash128", "sha512"])
async def test_foreign_checksums_are_ignored(here: Minio, algorithm: str) -> None:
    """`x-amz-checksum-xxhash64`, `-xxhash3`, `-xxhash128` and `-sha512` are ignored in silence: a wrong one is taken, none is
    stored."""
    bucket = await here.lab.bucket()
    await here.send(bucket, "k", [(f"x-amz-checksum-{algorithm}", "AAAAAAAAAAA=")])
    assert (await here.lab.store.head(bucket, "k")).checksum(algorithm) == ""


@fact
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("x-amz-checksum-crc32", "AAAAAA=="),
        ("x-amz-checksum-crc32c", "AAAAAA=="),
        ("x-amz-checksum-sha1", "A" * 27 + "="),
        ("x-amz-checksum-sha256", "A" * 43 + "="),
        ("content-md5", "A" * 22 + "=="),
    ],
)
async def test_known_checksums_are_verified(here: Minio, name: str, wrong: str) -> None:
    """CRC32, CRC32C, SHA1, SHA256 and Content-MD5 are verified as CRC64NVME is: a wrong one is refused (400)."""
    bucket = await here.lab.bucket()
    await refused(here.send(bucket, "k", [(name, wrong)]), ChecksumRejected)
    await refused(here.lab.store.head(bucket, "k"), NotFound)


@fact
async def test_a_child_is_hidden_until_its_parent_is_deleted(here: Minio) -> None:
    """While `foo` exists, `foo/bar` answers HEAD and GET and is in no listing (objects, versions, `prefix=foo/`, delimiter); it
    comes into view when `foo` is deleted: an absence proof after an erase finds it."""
    bucket = await here.lab.bucket()
    store = here.lab.store
    await store.put(bucket, "foo/bar", b"child")
    await store.put(bucket, "foo", b"parent")
    assert await here.lab.read(bucket, "foo/bar") == b"child"
    pages: list[Page[object]] = [
        await store.list_objects(bucket),  # type: ignore[list-item]
        await store.list_objects(bucket, prefix="foo/"),  # type: ignore[list-item]
        await store.list_objects(bucket, delimiter="/"),  # type: ignore[list-item]
        await store.list_versions(bucket),  # type: ignore[list-item]
    ]
    assert all(item.key in {"foo", "foo/"} for page in pages for item in page.items)  # type: ignore[attr-defined]
    await store.delete(bucket, "foo")
    assert await here.lab.keys(bucket) == ["foo/bar"]


@fact
async def test_a_signature_for_another_region_is_refused(here: Minio) -> None:
    """A request that was signed for another region is refused (400 `AuthorizationHeaderMalformed`)."""
    bucket = await here.lab.bucket()
    store = here.store(region="us-west-2")
    error = await refused(store.list_objects(bucket), Untrusted)
    assert "AuthorizationHeaderMalformed" in str(error)
    await store.close()


@fact
async def test_a_request_whose_host_was_rewritten_is_refused(here: Minio) -> None:
    """A request whose `Host` a proxy rewrote is refused (403 `SignatureDoesNotMatch`): signed requests cannot be sent on to
    another store."""
    bucket = await here.lab.bucket()
    store = here.store(wire=Rewriting)
    await refused(store.list_objects(bucket), WrongCredentials)
    await store.close()


@fact
async def test_a_clock_that_is_an_hour_late_is_named(here: Minio) -> None:
    """A client whose clock is an hour off is refused (403 `RequestTimeTooSkewed`); the store's own time can still be read."""
    bucket = await here.lab.bucket()
    store = here.store(clock=SlowClock())
    error = await refused(store.list_objects(bucket), Refusal)
    assert "clock" in str(error)
    assert not isinstance(error, Forbidden)
    assert abs(await store.server_time(bucket) - SystemClock().now()) < 5
    await store.close()


@fact
async def test_rot_of_a_small_object_looks_like_overload(here: Minio) -> None:
    """A small object with one rotten byte on the drive answers 503 `SlowDownRead`, as if the server were busy."""
    bucket = await here.lab.bucket()
    body = b"0123456789abcdef" * 64
    await here.lab.store.put(bucket, "k", body)
    flip(here.server.folder / "data" / bucket / "k" / "xl.meta", body[:64])
    error = await refused(here.lab.read(bucket, "k"), SlowDown)
    assert "SlowDown" in str(error)


@fact
async def test_rot_of_a_large_object_cuts_the_answer_short(here: Minio) -> None:
    """A large object with one rotten byte answers 200 and breaks off: never a whole body with wrong bytes."""
    bucket = await here.lab.bucket()
    body = PART[: 4 * 1024 * 1024]
    await here.lab.store.put(bucket, "k", body)
    (part,) = (here.server.folder / "data" / bucket / "k").glob("*/part.1")
    flip(part, body[:64], skip=2 * 1024 * 1024)
    await refused(here.lab.read(bucket, "k", room=len(body)), Transient)


@fact
async def test_storage_classes_are_two(here: Minio) -> None:
    """`REDUCED_REDUNDANCY` is kept; other storage classes are refused (400 `InvalidStorageClass`)."""
    bucket = await here.lab.bucket()
    await here.lab.store.put(bucket, "k", b"x", attributes=Attributes(storage_class="REDUCED_REDUNDANCY"))
    assert (await here.lab.store.head(bucket, "k")).attributes.storage_class == "REDUCED_REDUNDANCY"
    error = await refused(here.lab.store.put(bucket, "k", b"x", attributes=Attributes(storage_class="GLACIER")), BadRequest)
    assert error.code == "InvalidStorageClass"


@fact
async def test_the_right_to_delete_a_version_is_not_enough(here: Minio) -> None:
    """A policy that allows `s3:DeleteObjectVersion` alone deletes no version (403): MinIO wants `s3:DeleteObject` too, so an
    eraser can not be forbidden to lay delete markers."""
    bucket = await here.lab.bucket(versioning="Enabled")
    version = (await here.lab.store.put(bucket, "k", b"x")).version_id
    alone = here.user("eraser-alone", allow("s3:DeleteObjectVersion", "s3:GetObject*", "s3:ListBucket*"))
    both = here.user("eraser-both", allow("s3:DeleteObjectVersion", "s3:DeleteObject"))
    await refused(alone.delete(bucket, "k", version_id=version), Forbidden)
    await both.delete(bucket, "k", version_id=version)
    await refused(here.lab.store.head(bucket, "k"), NotFound)
    await alone.close()
    await both.close()


@fact
async def test_encryption_without_a_key_service_is_refused(here: Minio) -> None:
    """SSE-S3 without a KMS is refused (501), not left out."""
    bucket = await here.lab.bucket()
    await refused(here.send(bucket, "k", [("x-amz-server-side-encryption", "AES256")]), BadRequest)
    await refused(here.lab.store.head(bucket, "k"), NotFound)


@fact
async def test_uploads_begun_before_a_restart_are_in_no_listing_of_all(tmp_path: Path) -> None:
    """The listing of uploads without a prefix shows those begun since the server was started, and none that are older; by prefix it
    shows those alone whose whole key that is. So nobody can count what was begun: what is listed is “at least” (D24)."""
    ids: dict[str, str] = {}
    for start in range(2):
        with minio_server(tmp_path) as server, site_of(server) as site:
            async with server_lab(site, "lean") as lab:
                if not start:
                    bucket = await lab.bucket()
                    ids.update({key: await lab.store.create_upload(bucket, key) for key in ("a/1", "a/2")})
                assert len((await lab.store.list_uploads(bucket)).items) == (0 if start else 2)
                assert (await lab.store.list_uploads(bucket, prefix="a/")).items == ()
                (found,) = (await lab.store.list_uploads(bucket, prefix="a/1")).items
                assert found.upload_id == ids["a/1"]


def flip(file: Path, landmark: bytes, *, skip: int = 0) -> None:
    """Flip one bit behind a landmark in a file on the drive."""
    data = bytearray(file.read_bytes())
    at = data.index(landmark) + 1 + skip
    data[at] ^= 1
    file.write_bytes(data)
