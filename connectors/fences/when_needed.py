"""The port `Fences`, whose SDKs are loaded when a fence is raised or must be lifted: 0.7 s that other runs need not spend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from connectors import credentials
from relocation.rules.fences import FenceRecord
from relocation.settings import Migration

if TYPE_CHECKING:
    from connectors.fences.endpoint import EndpointFences


class FencesWhenNeeded:
    """The fences of every endpoint of a migration."""

    def __init__(self, settings: Migration, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    def users(self, endpoint: str) -> tuple[str, ...]:
        """Return the application's users: those that are configured, else whoever the role `application` signs in as."""
        named = self._settings.endpoint_named(endpoint).application_users
        return named or (credentials.of_role(self._settings, endpoint, "application", environ=self._environ).access_key,)

    async def prepare(self, fence: FenceRecord) -> str:
        """Return what will have to be put back when this fence is lifted. Changes nothing."""
        return await self._loaded().prepare(fence)

    async def raise_fence(self, fence: FenceRecord) -> None:
        """Put the fence there. That a write is refused then is for others to see."""
        await self._loaded().raise_fence(fence)

    async def lift_fence(self, fence: FenceRecord) -> None:
        """Take the fence away; one that is not there any more is fine."""
        await self._loaded().lift_fence(fence)

    def _loaded(self) -> EndpointFences:
        from connectors.fences.endpoint import EndpointFences  # noqa: PLC0415 — loads boto3 and minio

        return EndpointFences(self._settings, self._environ)
