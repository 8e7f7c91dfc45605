"""A context with memory stores and a clock that only sleeping moves, for the tests of the probe."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from types import SimpleNamespace

from connectors.memory import Behaviour, MemoryService, MemoryStore
from relocation.rules.errors import Refusal
from relocation.rules.objects import Place
from relocation.rules.records import Answers
from relocation.stages.context import Context

KOREA = Place("korea", "talk")
START = 1_700_000_000.0


class Clock:
    """Time stands still but for `sleep`, which is over at once."""

    def __init__(self) -> None:
        self.at = START
        self.slept_s = 0.0

    def now(self) -> float:
        return self.at

    def worked(self) -> float:
        return 0.0

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.slept_s += seconds


class Stores:
    """The probers that a test put in; any other role is refused, as by the real one."""

    def __init__(self, probers: dict[str, object]) -> None:
        self.probers = probers

    def of(self, endpoint: str, role: str, *, other_wire: bool = False, customer_key: str = "") -> object:
        if role != "prober" or endpoint not in self.probers:
            raise Refusal(f"endpoints.{endpoint}.credentials.{role} is missing")
        return self.probers[endpoint]


@dataclass
class Records:
    """Ledger and vault in one, with the order in which they were written."""

    evidence: dict[str, bytes] = field(default_factory=dict)
    probes: list[Answers] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    async def put(self, name: str, data: bytes, *, content_type: str = "") -> str:
        self.evidence[name] = data
        self.order.append("vault")
        return ""

    async def save_probe(self, answers: Answers) -> None:
        self.probes.append(answers)
        self.order.append("ledger")

    async def last_probe(self, endpoint: str, bucket: str) -> Answers | None:
        return next((each for each in reversed(self.probes) if (each.endpoint, each.bucket) == (endpoint, bucket)), None)

    async def probe_history(self, endpoint: str, bucket: str, *, limit: int) -> tuple[Answers, ...]:
        mine = (each for each in reversed(self.probes) if (each.endpoint, each.bucket) == (endpoint, bucket))
        return tuple(mine)[:limit]


def context_of(probers: dict[str, object], *, clock: object = None, urls: dict[str, str] | None = None) -> Context:
    """Build what the probe needs of a context."""
    records = Records()
    urls = urls or {endpoint: f"http://127.0.0.1/{endpoint}" for endpoint in ("korea", "japan")}
    unused = dict.fromkeys((each.name for each in fields(Context)), None)
    endpoints = {name: SimpleNamespace(url=url) for name, url in urls.items()}
    given = {
        "settings": SimpleNamespace(migration="korea-to-japan", categories={}, endpoints=endpoints),
        "stores": Stores(probers),
        "ledger": records,
        "vault": records,
        "progress": SimpleNamespace(stage=lambda *_, **__: None, note=lambda *_, **__: None),
        "clock": clock or Clock(),
    }
    return Context(**(unused | given))


def memory(behaviour: Behaviour | None = None, *, versioning: str = "", object_lock: bool = False) -> tuple[MemoryService, Context]:
    """Return a memory endpoint `korea` with the bucket `talk`, and a context in which it can be probed."""
    clock = Clock()
    service = MemoryService("korea", behaviour=behaviour, now=clock.now)
    service.make_bucket("talk", versioning=versioning, object_lock=object_lock)
    return service, context_of({"korea": MemoryStore(service, "prober")}, clock=clock)
