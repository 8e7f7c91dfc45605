"""What the port `Fences` does at one source endpoint, with the rights of its role `fencer`. Blocking SDKs run in a thread.

Guarantees: raising and lifting again what is there (or gone) already changes nothing, so that both can be repeated after a crash.
Lifting takes back exactly what this fence put there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TypeVar

import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException
from minio.minioadmin import MinioAdmin

from connectors import credentials
from connectors.fences.statements import for_users, in_bucket_policy, without_fence
from connectors.s3.control import Control
from connectors.wire.address import tls_context
from relocation.rules.errors import BadRequest, Forbidden, HikkoshiError, Unreachable
from relocation.rules.fences import FenceRecord
from relocation.settings import Endpoint, Migration

Result = TypeVar("Result")
DENIED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch")
FENCED_BYTES = 1
"""A quota that nothing fits into; a body of no bytes passes all the same."""


class EndpointFences:
    """The fences of every endpoint of a migration; clients are made when first asked for."""

    def __init__(self, settings: Migration, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    async def prepare(self, fence: FenceRecord) -> str:
        """Return what will have to be put back when this fence is lifted. Changes nothing."""
        if fence.kind != "quota":
            return ""
        answer = await self._asked(fence, lambda: self._admin(fence.endpoint).bucket_quota_get(fence.bucket))
        return str(json.loads(answer).get("quota") or 0)

    async def raise_fence(self, fence: FenceRecord) -> None:
        """Put the fence there. That a write is refused then is for others to see."""
        await self._asked(fence, {"iam": self._deny, "bucket_policy": self._bar, "quota": self._fill}[fence.kind], fence)

    async def lift_fence(self, fence: FenceRecord) -> None:
        """Take the fence away; one that is not there any more is fine."""
        await self._asked(fence, {"iam": self._allow, "bucket_policy": self._open, "quota": self._empty}[fence.kind], fence)

    # --- by the users' policies ---

    def _deny(self, fence: FenceRecord) -> None:
        admin, name = self._admin(fence.endpoint), _policy_name(fence)
        admin.policy_add(name, policy=for_users(fence))
        for user in fence.users:
            _forgiving(lambda user=user: admin.attach_policy([name], user=user), "PolicyChangeAlreadyApplied")  # type: ignore[misc]

    def _allow(self, fence: FenceRecord) -> None:
        admin, name = self._admin(fence.endpoint), _policy_name(fence)
        for user in fence.users:
            _forgiving(
                lambda user=user: admin.detach_policy([name], user=user),  # type: ignore[misc]
                *("PolicyChangeAlreadyApplied", "NoSuchPolicy", "NoSuchUser"),
            )
        _forgiving(lambda: admin.policy_remove(name), "NoSuchPolicy")

    # --- by the bucket's policy ---

    def _bar(self, fence: FenceRecord) -> None:
        with_control(
            self._control(fence),
            lambda control: control.set_policy(fence.bucket, in_bucket_policy(control.policy(fence.bucket), fence)),
        )

    def _open(self, fence: FenceRecord) -> None:
        with_control(
            self._control(fence),
            lambda control: control.set_policy(fence.bucket, without_fence(control.policy(fence.bucket), fence)),
        )

    # --- by the bucket's quota ---

    def _fill(self, fence: FenceRecord) -> None:
        self._admin(fence.endpoint).bucket_quota_set(fence.bucket, FENCED_BYTES)

    def _empty(self, fence: FenceRecord) -> None:
        admin = self._admin(fence.endpoint)
        stands = json.loads(admin.bucket_quota_get(fence.bucket)).get("quota") or 0
        if stands == FENCED_BYTES:  # else somebody has set another one since, or it was never set
            admin.bucket_quota_set(fence.bucket, int(fence.undo or 0))

    # --- clients ---

    def _endpoint(self, name: str) -> Endpoint:
        return self._settings.endpoint_named(name)

    def _keys(self, endpoint: str, role: str) -> credentials.Credentials:
        return credentials.of_role(self._settings, endpoint, role, environ=self._environ)

    def _admin(self, name: str) -> MinioAdmin:
        endpoint, keys = self._endpoint(name), self._keys(name, "fencer")
        scheme, _, address = endpoint.url.partition("://")
        trust = tls_context(endpoint.ca_file) if scheme == "https" else None
        return MinioAdmin(
            endpoint=address.rstrip("/"),
            credentials=StaticProvider(keys.access_key, keys.secret_key.reveal(), keys.session_token.reveal() or None),
            region=endpoint.region,
            secure=scheme == "https",
            http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=30), retries=False, ssl_context=trust),
        )

    def _control(self, fence: FenceRecord) -> Control:
        endpoint, keys = self._endpoint(fence.endpoint), self._keys(fence.endpoint, "fencer")
        return Control(
            endpoint.url,
            access_key=keys.access_key,
            secret_key=keys.secret_key.reveal(),
            session_token=keys.session_token.reveal(),
            region=endpoint.region,
            ca_file=endpoint.ca_file,
        )

    async def _asked(self, fence: FenceRecord, ask: Callable[..., Result], *args: FenceRecord) -> Result:
        """Ask in a thread, and turn what the SDKs raise into errors of ours."""
        try:
            return await asyncio.to_thread(ask, *args)
        except (MinioAdminException, ClientError) as error:
            raise _ours(fence, str(error)) from error
        except (urllib3.exceptions.HTTPError, BotoCoreError) as error:
            raise Unreachable(f"{fence.endpoint}: its administration does not answer ({type(error).__name__})") from error


def with_control(control: Control, work: Callable[[Control], None]) -> None:
    """Do something with a control plane, and close it."""
    try:
        work(control)
    finally:
        control.close()


def _policy_name(fence: FenceRecord) -> str:
    return f"hikkoshi-fence-{fence.id}"


def _forgiving(ask: Callable[[], object], *codes: str) -> None:
    """Ask; what is there (or gone) already is as it should be."""
    try:
        ask()
    except MinioAdminException as error:
        if not any(code in str(error) for code in codes):
            raise


def _ours(fence: FenceRecord, said: str) -> HikkoshiError:
    what = f"{fence.endpoint}: the fence by {fence.kind} around {fence.bucket}"
    if any(code in said for code in DENIED):
        return Forbidden(f"{what}: the role fencer may not ({said[:300]})")
    code = said.partition("code: ")[2].partition(",")[0] or "unknown"
    return BadRequest(f"{what}: {said[:300]}", code=code, status=400)
