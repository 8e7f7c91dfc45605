"""What a dry run, a run or a verification has to say: the one document behind `--json`, the page and the artifact.

Counts are exact in objects and bytes. Lists hold everything; whoever prints them cuts at 1,000 and says so. Keys are as they
are here; `as_json` percent-encodes them (UTF-8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LOST_NAMED_MAX = 1000
"""So many objects that lost something are named in a summary itself."""
UNMATCHED_NAMED_MAX = 1000


@dataclass(frozen=True, slots=True)
class Count:
    """A number of objects and their bytes."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.objects + other.objects, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Named:
    """One object that needs a person's eye: where, which, why, after how many attempts.

    `target_bucket` and `target_key` are there where the object goes by another name, or into another bucket, at the target.
    """

    bucket: str
    key: str
    reason: str
    attempts: int = 0
    target_bucket: str = ""
    target_key: str = ""


@dataclass(frozen=True, slots=True)
class Equation:
    """One side of the reconciliation, exact in objects and bytes. `terms` in the order in which they are added up."""

    name: str
    total: Count
    terms: tuple[tuple[str, Count], ...]

    @property
    def holds(self) -> bool:
        """Whether the terms add up to the total."""
        return sum((count for _, count in self.terms), Count()) == self.total


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a histogram: its label in words that need no translation (`≤ 64 KiB`, `2021-03`), objects and bytes."""

    label: str
    count: Count


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A bucket, or a top-level prefix of one, at the source that no category claims. `versions` are former ones, with their bytes;
    -1 where the source keeps some, and they could not be counted."""

    place: str
    objects: int
    bytes: int
    newest: str
    versions: int = 0
    version_bytes: int = 0
    markers: int = 0


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Multipart uploads that were begun and neither completed nor aborted, below one place: of the `source`, of the `target`, or
    `unclaimed`, at the source.

    `bytes` are those of the parts of `looked_into` of them; `oldest`: when the first was begun; `ours`: those that our runs began.
    `doubt`: why there may be others, in words; then 0 uploads mean that nobody knows.
    """

    side: str
    place: str
    uploads: int = 0
    ours: int = 0
    bytes: int = 0
    looked_into: int = 0
    oldest: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class AnswerChange:
    """A question that a bucket answers otherwise than it did, `since` the first probe that saw it."""

    place: str
    question: str
    before: str
    after: str
    since: str


@dataclass(frozen=True, slots=True)
class Parity:
    """One aspect of a source's and a target's bucket side by side. `verdict`: same, differs, attention, refused or unknown;
    `meaning` in one sentence, empty where they are the same."""

    source: str
    target: str
    aspect: str
    at_source: str
    at_target: str
    verdict: str
    meaning: str


@dataclass(frozen=True, slots=True)
class SinceLast:
    """How many keys of the source are new, changed and gone since the last sealed plan: which run's, begun when. `why`: in words,
    why nobody can tell."""

    run: str
    at: str
    new: int = 0
    changed: int = 0
    gone: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the plan will take. Money is None where `config/` holds no prices; `basis` says what the figures rest on."""

    seconds: float
    requests: int
    money: float | None
    currency: str
    basis: str


@dataclass(frozen=True, slots=True)
class ProbeAge:
    """When a bucket was last probed (`at` empty: not probed) and what it answered, question by question."""

    place: str
    at: str
    age_s: float
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Histories:
    """Former versions and delete markers, apart from objects: under policy `latest` those that stay at the source, under `all`
    those that are moved, with `objects` and, as `…_verified`, how many hold. `uncounted`: why they could not be counted."""

    policy: str = "latest"
    counts: Mapping[str, Count] = field(default_factory=dict)
    uncounted: str = ""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of a catch-up: how much it found to do, and what came of it. `refreshed`: kept objects whose metadata, tags or lock
    were brought level, which only the `last` pass looks at. `narrowed`: it asked for the keys of a feed of changes alone."""

    run_id: str
    found: Count
    copied: Count
    removed: Count
    refreshed: int = 0
    last: bool = False
    narrowed: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """How another enumeration of a move's source was held against its first listing, both of one wave.

    `way` is `versions`, `delimiter` (folder by folder) or `keys` (a list of keys). Of what one side alone
    shows: `hidden` is there and the first listing does not show it; `unlisted` is in the first listing alone, and there (of a list
    of keys: it does not know them); `changed` came or went meanwhile; `absent` is named by a list of keys, and not there.
    """

    endpoint: str
    bucket: str
    prefix: str
    way: str
    first: int = 0
    second: int = 0
    hidden: int = 0
    unlisted: int = 0
    changed: int = 0
    absent: int = 0

    def __add__(self, other: Compared) -> Compared:
        """Return what two waves of one move came to."""
        return Compared(
            self.endpoint,
            self.bucket,
            self.prefix,
            self.way,
            self.first + other.first,
            self.second + other.second,
            self.hidden + other.hidden,
            self.unlisted + other.unlisted,
            self.changed + other.changed,
            self.absent + other.absent,
        )

    @property
    def same(self) -> bool:
        """Whether neither shows what the other hides. A list of keys may lack some: it is somebody else's knowledge."""
        return not self.hidden and (not self.unlisted or self.way == "keys")


@dataclass(frozen=True, slots=True)
class Summary:
    """One wave's report. `kind` is `plan`, `run`, `verify` or `catch_up`; `counts` is by action (and `listed`),
    `outcomes` by outcome, `proofs`
    by proof, not exclusive."""

    migration: str
    category: str
    wave: str | None
    run_id: str
    kind: str
    stage: str
    plan_sha256: str
    config_sha256: str
    looked_only_at: str = ""
    """What alone of its wave the run looked at, in words; empty: at all of it."""
    counts: Mapping[str, Count] = field(default_factory=dict)
    outcomes: Mapping[str, Count] = field(default_factory=dict)
    proofs: Mapping[str, int] = field(default_factory=dict)
    mismatched: tuple[Named, ...] = ()
    failed: tuple[Named, ...] = ()
    refused: tuple[Named, ...] = ()
    conflicts: tuple[Named, ...] = ()
    drifted: tuple[Named, ...] = ()
    gone: tuple[Named, ...] = ()
    remove: tuple[Named, ...] = ()
    removed: tuple[Named, ...] = ()
    kept: Count = Count()
    """What a pass of a catch-up left as it was: home and proved by earlier runs, listed at the target still, and not read again."""
    kept_proofs: Mapping[str, int] = field(default_factory=dict)
    """The standing proofs of what was kept so, from the facts of the runs that made them."""
    passes: tuple[Pass, ...] = ()
    passes_end: str = ""
    """Why the last pass of a catch-up was the last, in words."""
    deleted_at_target: tuple[Named, ...] = ()
    foreign: tuple[Named, ...] = ()
    hidden: tuple[Named, ...] = ()
    """What is at the source and in no listing of it: found by another enumeration, not moved."""
    second_listing: tuple[Compared, ...] = ()
    not_found: tuple[Named, ...] = ()
    """Keys of the exclusion list that the source does not show."""
    unmatched: tuple[Named, ...] = ()
    """The first keys of the wave's own list (`keys_file`), as they stand there, that the source does not show; `unmatched_keys` in
    all."""
    unmatched_keys: int = 0
    unclaimed: tuple[Unclaimed, ...] = ()
    unfinished: tuple[Unfinished, ...] = ()
    unknown: tuple[str, ...] = ()
    losses: Mapping[str, int] = field(default_factory=dict)
    lost: tuple[Named, ...] = ()
    """The first of the objects that lost something, `lost_objects` in all; every one stands in a file beside the report."""
    lost_objects: int = 0
    declared: Mapping[str, int] = field(default_factory=dict)
    """What is known in advance not to arrive as it was, with why; 0 objects: only they themselves can tell."""
    histories: Histories = field(default_factory=Histories)
    equations: tuple[Equation, ...] = ()
    sizes: tuple[Bin, ...] = ()
    ages: tuple[Bin, ...] = ()
    estimate: Estimate | None = None
    since_last: SinceLast | None = None
    """Against the last sealed plan of the wave; None: there was none, or this is no plan."""
    probes: tuple[ProbeAge, ...] = ()
    probe_changes: tuple[AnswerChange, ...] = ()
    parity: tuple[Parity, ...] = ()
    moves: tuple[str, ...] = ()
    source_country: str = ""
    target_country: str = ""
    timezone: str = "UTC"
    residency: str = ""
    deadline: str = ""
    owner: str = ""
    who: str = ""
    host: str = ""
    version: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    started_at: str = ""
    finished_at: str = ""
    seconds: float = 0.0
    bytes_per_second: float = 0.0
    report: str = ""
    """Where the page lies: a path relative to nothing but the reader (`var/reports/…/report.html`), empty if there is none."""
