"""What a plan will take: time, requests, money. Pure: numbers in, numbers out.

Guarantees: every figure follows from counts, from a rate that is either assumed (and says so) or measured, and from prices that
were given. Refuses to make up money: where one price that is needed is not known, there is no sum.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from relocation.rules.amounts import amount
from relocation.rules.summary import Count, Estimate

PAGE_KEYS = 1000
_GB = 1000**3
_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done. `copy` holds Copy and Replace, `prove` what is compared on both sides, `keep` what only is read back.

    `extra_parts` counts the parts beyond the first of all objects that go in parts, `uploads` those objects. `source_listed`
    and `target_listed` are the objects that the listings show.
    """

    copy: Count = field(default_factory=Count)
    prove: Count = field(default_factory=Count)
    keep: Count = field(default_factory=Count)
    extra_parts: int = 0
    uploads: int = 0
    source_listed: int = 0
    target_listed: int = 0


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast objects are copied and read back: each costs its share of a second for itself, and one for its bytes."""

    objects_per_second: float
    bytes_per_second: float
    basis: str


class Charges(Protocol):
    """What one endpoint's provider charges, each None while unknown; a GB is 10⁹ bytes. `settings.EndpointPrices` fits."""

    @property
    def egress_per_gb(self) -> Decimal | None: ...
    @property
    def ingress_per_gb(self) -> Decimal | None: ...
    @property
    def get_per_1000(self) -> Decimal | None: ...
    @property
    def put_per_1000(self) -> Decimal | None: ...
    @property
    def list_per_1000(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class Prices:
    """Both sides' charges, in one currency (ISO 4217)."""

    currency: str
    source: Charges
    target: Charges


# Two MinIO and this program on 2 cores do more; a first estimate had better be too long than too short.
ASSUMED = Rates(400.0, 50.0 * _MIB, "assumed: 400 objects/s and 50 MiB/s")


def measured(done: Count, seconds: float) -> Rates:
    """Return the rates of a run that copied and read back `done` in `seconds`: the assumed ones, scaled to what was seen.

    One run gives one number, not two, so the proportion between objects and bytes stays the assumed one. A run that did
    nothing measures nothing: the assumed rates stand.
    """
    expected = _copy_seconds(done, ASSUMED)
    if seconds <= 0 or expected <= 0:
        return ASSUMED
    scale = expected / seconds
    return Rates(
        ASSUMED.objects_per_second * scale,
        ASSUMED.bytes_per_second * scale,
        f"measured: the last run did {amount(done.objects, 'object')} with {amount(done.bytes, 'byte')} in {seconds:.1f} s",
    )


def estimate(work: Work, *, rates: Rates = ASSUMED, prices: Prices | None = None) -> Estimate:
    """Return what the work will take, once: storage by the month is not in it, and the worker stands outside both networks.

    `money` is None where a price that the work needs is not known; `basis` then names it.
    """
    money, missing = (None, ()) if prices is None else _money(work, prices)
    return Estimate(
        seconds=_copy_seconds(work.copy + work.prove, rates) + _copy_seconds(work.keep, rates) / 2,
        requests=_source_reads(work) + _target_reads(work) + _target_writes(work) + _lists(work),
        money=money,
        currency="" if prices is None else prices.currency,
        basis="; ".join((rates.basis, *(f"no price for {name}" for name in missing))),
    )


def _copy_seconds(count: Count, rates: Rates) -> float:
    return count.objects / rates.objects_per_second + count.bytes / rates.bytes_per_second


def _source_reads(work: Work) -> int:
    return work.copy.objects + work.extra_parts + work.prove.objects


def _target_reads(work: Work) -> int:
    """Return the reads back: one for each object, and one more for each further part."""
    return work.copy.objects + work.extra_parts + work.prove.objects + work.keep.objects


def _target_writes(work: Work) -> int:
    """Return the writes: a PUT for each object and further part; an object in parts is begun and completed as well."""
    return work.copy.objects + work.extra_parts + 2 * work.uploads


def _pages(listed: int) -> int:
    """Return the pages of a listing; an empty one is a page too."""
    return max(1, -(-listed // PAGE_KEYS))


def _lists(work: Work) -> int:
    return _pages(work.source_listed) + _pages(work.target_listed)


def _money(work: Work, prices: Prices) -> tuple[float | None, tuple[str, ...]]:
    """Return the sum and the prices that it lacks; with one that is lacking there is no sum."""
    source, target = prices.source, prices.target
    from_source = work.copy.bytes + work.prove.bytes
    lines = (
        ("source get_per_1000", source.get_per_1000, Decimal(_source_reads(work)) / 1000),
        ("source list_per_1000", source.list_per_1000, Decimal(_pages(work.source_listed)) / 1000),
        ("source egress_per_gb", source.egress_per_gb, Decimal(from_source) / _GB),
        ("target put_per_1000", target.put_per_1000, Decimal(_target_writes(work)) / 1000),
        ("target ingress_per_gb", target.ingress_per_gb, Decimal(work.copy.bytes) / _GB),
        ("target get_per_1000", target.get_per_1000, Decimal(_target_reads(work)) / 1000),
        ("target list_per_1000", target.list_per_1000, Decimal(_pages(work.target_listed)) / 1000),
        ("target egress_per_gb", target.egress_per_gb, Decimal(from_source + work.keep.bytes) / _GB),
    )
    missing = tuple(name for name, price, amount in lines if price is None and amount)
    if missing:
        return None, missing
    return float(sum((price * amount for _, price, amount in lines if price is not None), Decimal())), ()
