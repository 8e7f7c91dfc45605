"""One endpoint's buckets, read by boto3 with one role's keys. Blocking: call it from a thread.

Guarantees: only reads. Refuses to follow a redirect, and to take a proxy, a profile or keys from the environment.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from connectors.credentials import Credentials
from connectors.s3.bucket_answers import Shown, Understood, understood
from connectors.s3.control import never_redirect
from relocation.rules.bucket_settings import Aspect, BucketSettings, Setting, State
from relocation.rules.errors import BucketMissing, Unreachable, WrongCredentials
from relocation.rules.objects import Place
from relocation.settings import Endpoint, Transfer

READ_TIMEOUT_S_MAX = 20.0
NONE = frozenset(
    {
        "NoSuchBucketPolicy",
        "NoSuchConfiguration",
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
NOT_OFFERED = frozenset({"NotImplemented", "MethodNotAllowed"})
WRONG_KEYS = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"})
ASKED_BY = {
    Aspect.VERSIONING: "get_bucket_versioning",
    Aspect.OBJECT_LOCK: "get_object_lock_configuration",
    Aspect.LIFECYCLE: "get_bucket_lifecycle_configuration",
    Aspect.ENCRYPTION: "get_bucket_encryption",
    Aspect.CORS: "get_bucket_cors",
    Aspect.NOTIFICATIONS: "get_bucket_notification_configuration",
    Aspect.POLICY: "get_bucket_policy",
    Aspect.REPLICATION: "get_bucket_replication",
}
FROM_NOWHERE: Mapping[str, tuple[None, None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""What boto3 would take from the variables and files of whoever runs us."""


class BucketReader:
    """The configuration of one endpoint's buckets, as one role may see it."""

    def __init__(self, endpoint: Endpoint, keys: Credentials, *, limits: Transfer, role: str) -> None:
        self._role = role
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "max_attempts": 2},
            connect_timeout=limits.connect_timeout_s,
            read_timeout=min(limits.stall_s, READ_TIMEOUT_S_MAX),
            proxies={},
        )
        session = boto3.session.Session(botocore_session=botocore.session.Session(dict(FROM_NOWHERE)))
        self._client: Any = session.client(
            "s3",
            endpoint_url=endpoint.url,
            region_name=endpoint.region,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key.reveal(),
            aws_session_token=keys.session_token.reveal() or None,
            verify=str(endpoint.ca_file) if endpoint.ca_file else True,
            config=config,
        )
        self._client.meta.events.register("before-call.s3", never_redirect)

    def read(self, place: Place, aspects: Collection[Aspect]) -> BucketSettings:
        """Read these aspects of one bucket."""
        found = {aspect: self._understood(aspect, place) for aspect in aspects}
        return BucketSettings(
            place,
            {aspect: each.setting for aspect, each in found.items()},
            tuple(rule for each in found.values() for rule in each.rules),
            "".join(each.default_retention for each in found.values()),
        )

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _understood(self, aspect: Aspect, place: Place) -> Understood:
        """Read one aspect; a refusal is an answer too, but for what concerns the bucket or the keys as a whole."""
        try:
            answer: Shown = getattr(self._client, ASKED_BY[aspect])(Bucket=place.bucket)
        except ClientError as error:
            return Understood(self._refused(place, error))
        except BotoCoreError as error:
            raise Unreachable(f"{place}: its configuration could not be read ({type(error).__name__})") from error
        return understood(aspect, {name: value for name, value in answer.items() if name != "ResponseMetadata"}, place.bucket)

    def _refused(self, place: Place, error: ClientError) -> Setting:
        code = error.response["Error"].get("Code", "")
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        if code in WRONG_KEYS:
            raise WrongCredentials(f"{place.endpoint}: role {self._role}: the store does not accept its keys ({code})") from error
        if code == "NoSuchBucket":
            raise BucketMissing(f"{place}: no such bucket; make it, or correct the configuration") from error
        if code in NONE:
            return Setting(State.NONE)
        if code in NOT_OFFERED or status in (405, 501):
            return Setting(State.NOT_OFFERED)
        if status == 403:
            return Setting(State.NOT_ALLOWED)
        if status >= 500:
            raise Unreachable(f"{place}: its configuration could not be read ({status} {code})") from error
        return Setting(State.NOT_READ, f"not read ({code})")
