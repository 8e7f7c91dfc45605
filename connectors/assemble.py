"""Build everything that the stages are handed, from one configuration: the same for the command, for flows and for tests."""

from __future__ import annotations

import getpass
import hashlib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from functools import cache
from importlib import metadata
from pathlib import Path

from connectors.begins import Begins, record_failure
from connectors.clock import SystemClock
from connectors.configuration.reader import check_credentials, read, read_prices
from connectors.fences import FencesWhenNeeded
from connectors.garbage import collected_seldom
from connectors.ledger.store import SqlLedger
from connectors.memory_returned import payload_bytes, return_what_is_freed
from connectors.pace.keeper import Keeper
from connectors.report.publish import ReportFiles
from connectors.s3.configuration import BucketConfigurations
from connectors.scratch import DiskScratch
from connectors.state import belongs
from connectors.stores import S3Stores
from connectors.tables import ParquetTables
from connectors.vault import StoreVault
from relocation import rules
from relocation.ports import Progress
from relocation.rules.errors import ConfigurationError, HikkoshiError
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.fence import lift_abandoned
from relocation.transfer.budget import Budget


def settings_from(path: Path, environ: Mapping[str, str]) -> Migration:
    """Read a configuration whose stores are going to be used: its own problems and those of its credentials, all at once."""
    migration = read(path, environ)
    if problems := check_credentials(migration, environ):
        raise ConfigurationError(str(path), problems)
    return migration


@asynccontextmanager
async def assembled(
    settings: Migration, environ: Mapping[str, str], progress: Progress, *, who: str = "", begins: Begins | None = None
) -> AsyncIterator[Context]:
    """Open ledger, vault and stores, and close them at the end. Raises what keeps any of them from being opened.

    That is recorded as the end of what `begins`, wherever the ledger could be opened: no run would know of it.
    """
    return_what_is_freed()
    clock = SystemClock()
    host = socket.gethostname()
    settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    ledger = await SqlLedger.open(settings.ledger, migration=settings.migration, clock=clock, host=host, timezone=settings.timezone)
    stores = S3Stores(settings, environ, clock, say=progress.note)
    try:
        place = settings.vault
        try:
            vault = await StoreVault.open(
                stores.of(place.endpoint, "vault"),
                place.bucket,
                prefix=settings.migration,
                retention_days=place.retention_days,
                clock=clock,
            )
            await belongs(ledger, vault)
        except HikkoshiError as error:
            if begins is not None:
                await record_failure(ledger, begins, error, clock=clock, who=who or getpass.getuser(), host=host)
            raise
        prices = read_prices(settings)
        with collected_seldom(), closing(Budget(payload_bytes(settings))) as budget:
            async with Keeper(settings, stores.gates, ledger, clock, prices).keeping():
                context = Context(
                    settings=settings,
                    stores=stores,
                    ledger=ledger,
                    vault=vault,
                    tables=ParquetTables(),
                    scratch=DiskScratch(settings.state_dir / "scratch"),
                    reports=ReportFiles(settings.state_dir, vault),
                    prices=prices,
                    progress=progress,
                    clock=clock,
                    budget=budget,
                    who=who or getpass.getuser(),
                    host=f"{host} ({settings.worker.country})" if settings.worker.country else host,
                    version=metadata.version("hikkoshi"),
                    rules_sha256=rules_sha256(),
                    buckets=BucketConfigurations(stores),
                    fences=FencesWhenNeeded(settings, environ),
                )
                await lift_abandoned(context)
                yield context
    finally:
        await stores.close()
        await ledger.close()


@asynccontextmanager
async def ledger_alone(settings: Migration) -> AsyncIterator[SqlLedger | None]:
    """Open the ledger without any store; None where none was begun yet: looking never begins one."""
    if not _begun(settings):
        yield None
        return
    ledger = await SqlLedger.open(settings.ledger, migration=settings.migration, clock=SystemClock(), host=socket.gethostname())
    try:
        yield ledger
    finally:
        await ledger.close()


def _begun(settings: Migration) -> bool:
    """Say whether there is a ledger; a server's is always there, a file may not be."""
    head, _, path = settings.ledger.partition(":///")
    return not head.startswith("sqlite") or Path(path.partition("?")[0]).exists()


@cache
def rules_sha256() -> str:
    """Return one hash over the source of all rules: another version of them is another plan."""
    folder = Path(rules.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
