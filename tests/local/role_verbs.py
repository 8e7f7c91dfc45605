"""Every verb that a role could try, each prepared by the owner so that only the role's rights decide whether it succeeds."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException
from minio.minioadmin import MinioAdmin

from hikkoshi.local import Keys

_COUNTER = itertools.count()


def s3_client(url: str, region: str, keys: Keys):
    config = Config(proxies={}, retries={"max_attempts": 0}, s3={"addressing_style": "path"})
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=keys.access,
        aws_secret_access_key=keys.secret,
        config=config,
    )


@dataclass(frozen=True)
class Trial:
    """One role's rights at one place (bucket and prefix) of one server."""

    url: str
    bucket: str
    prefix: str
    owner: object
    role: object
    keys: Keys
    locked: bool

    @property
    def admin(self) -> MinioAdmin:
        provider = StaticProvider(self.keys.access, self.keys.secret)
        pool = urllib3.PoolManager(retries=False)
        return MinioAdmin(endpoint=self.url.removeprefix("http://"), credentials=provider, secure=False, http_client=pool)

    def key(self) -> str:
        return f"{self.prefix}object-{next(_COUNTER)}"

    def at(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": key}

    def written(self) -> dict[str, str]:
        """Return the place of an object that the owner has just put."""
        place = self.at(self.key())
        self.owner.put_object(**place, Body=b"12", Tagging="a=b")
        return place

    def version(self) -> dict[str, str]:
        place = self.at(self.key())
        return {**place, "VersionId": self.owner.put_object(**place, Body=b"12").get("VersionId", "null")}

    def upload(self) -> dict[str, str]:
        place = self.at(self.key())
        return {**place, "UploadId": self.owner.create_multipart_upload(**place)["UploadId"]}

    def complete(self) -> object:
        upload = self.upload()
        etag = self.owner.upload_part(**upload, PartNumber=1, Body=b"1")["ETag"]
        return self.role.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})

    def held(self, mode: str) -> dict[str, str]:
        """Return a version that is locked for a minute (GOVERNANCE: whoever may bypass can delete it)."""
        version = self.version()
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
        self.owner.put_object_retention(**version, Retention={"Mode": mode, "RetainUntilDate": until})
        return version

    def retain(self) -> object:
        until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)
        return self.role.put_object_retention(**self.version(), Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})


BUCKET_VERBS: dict[str, Callable[[Trial], object]] = {
    "list objects": lambda t: t.role.list_objects_v2(Bucket=t.bucket, Prefix=t.prefix),
    "list versions": lambda t: t.role.list_object_versions(Bucket=t.bucket, Prefix=t.prefix),
    "list uploads": lambda t: t.role.list_multipart_uploads(Bucket=t.bucket),
    "get versioning": lambda t: t.role.get_bucket_versioning(Bucket=t.bucket),
    "get policy": lambda t: t.role.get_bucket_policy(Bucket=t.bucket),
    "put versioning": lambda t: t.role.put_bucket_versioning(Bucket=t.bucket, VersioningConfiguration={"Status": "Enabled"}),
    "put policy": lambda t: t.role.put_bucket_policy(Bucket=t.bucket, Policy=POLICY % t.bucket),
    "put lifecycle": lambda t: t.role.put_bucket_lifecycle_configuration(Bucket=t.bucket, LifecycleConfiguration=LIFECYCLE),
    "set quota": lambda t: t.admin.bucket_quota_set(t.bucket, 10**12),
    "create bucket": lambda t: t.role.create_bucket(Bucket=f"new-bucket-{next(_COUNTER)}"),
    "create user": lambda t: t.admin.user_add(f"new-user-{next(_COUNTER)}", "not-a-secret-but-long"),
    "write policies": lambda t: t.admin.policy_add(f"new-policy-{next(_COUNTER)}", policy=NO_RIGHTS),
    "attach policies": lambda t: t.admin.policy_set("consoleAdmin", user=t.keys.access),
}
OBJECT_VERBS: dict[str, Callable[[Trial], object]] = {
    "get": lambda t: t.role.get_object(**t.written())["Body"].read(),
    "get version": lambda t: t.role.get_object(**t.version())["Body"].read(),
    "head": lambda t: t.role.head_object(**t.written()),
    "get tags": lambda t: t.role.get_object_tagging(**t.written()),
    "get acl": lambda t: t.role.get_object_acl(**t.written()),
    "get attributes": lambda t: t.role.get_object_attributes(**t.written(), ObjectAttributes=["ETag"]),
    "list parts": lambda t: t.role.list_parts(**t.upload()),
    "put": lambda t: t.role.put_object(**t.at(t.key()), Body=b"1"),
    "put if none match": lambda t: t.role.put_object(**t.at(t.key()), Body=b"1", IfNoneMatch="*"),
    "put with tags": lambda t: t.role.put_object(**t.at(t.key()), Body=b"1", Tagging="a=b"),
    "put tags": lambda t: t.role.put_object_tagging(**t.written(), Tagging={"TagSet": [{"Key": "a", "Value": "c"}]}),
    "delete tags": lambda t: t.role.delete_object_tagging(**t.written()),
    "create upload": lambda t: t.role.create_multipart_upload(**t.at(t.key())),
    "put part": lambda t: t.role.upload_part(**t.upload(), PartNumber=1, Body=b"1"),
    "complete": lambda t: t.complete(),
    "abort": lambda t: t.role.abort_multipart_upload(**t.upload()),
    "delete": lambda t: t.role.delete_object(**t.written()),
    "delete version": lambda t: t.role.delete_object(**t.version()),
}
LOCK_VERBS: dict[str, Callable[[Trial], object]] = {
    "get retention": lambda t: t.role.get_object_retention(**t.held("GOVERNANCE")),
    "put retention": lambda t: t.retain(),
    "put hold": lambda t: t.role.put_object_legal_hold(**t.version(), LegalHold={"Status": "OFF"}),
    "bypass": lambda t: t.role.delete_object(**t.held("GOVERNANCE"), BypassGovernanceRetention=True),
}
POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": {"AWS": ["*"]}, '
    '"Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::%s/nothing"]}]}'
)
LIFECYCLE = {"Rules": [{"ID": "r", "Status": "Disabled", "Filter": {"Prefix": "nothing/"}, "Expiration": {"Days": 9999}}]}
NO_RIGHTS = {"Version": "2012-10-17", "Statement": []}
DENIED = {"AccessDenied", "403", "AllAccessDisabled"}


def _batch(trial: Trial) -> None:
    """Delete by DeleteObjects, which answers 200 with the refusals inside."""
    answer = trial.role.delete_objects(Bucket=trial.bucket, Delete={"Objects": [{"Key": trial.written()["Key"]}]})
    for error in answer.get("Errors", []):
        raise ClientError({"Error": error}, "DeleteObjects")


OBJECT_VERBS["delete batch"] = _batch


def allowed(trial: Trial) -> set[str]:
    """Return the verbs that succeed. Whatever fails otherwise than by a refusal is an error of the test."""
    verbs = {**BUCKET_VERBS, **OBJECT_VERBS, **(LOCK_VERBS if trial.locked else {})}
    return {name for name, verb in verbs.items() if _succeeds(verb, trial)}


def _succeeds(verb: Callable[[Trial], object], trial: Trial) -> bool:
    try:
        verb(trial)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in DENIED:
            return False
        if code in ("NoSuchBucketPolicy", "404"):
            return True  # allowed to ask; there is none
        raise
    except MinioAdminException as error:
        if "AccessDenied" in str(error):
            return False
        raise
    return True
