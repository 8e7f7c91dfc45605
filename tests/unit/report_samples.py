"""Reports as they come: a dry run with refusals, a good verification, a bad one with hostile keys, one that is too long."""

from dataclasses import replace

from relocation.rules.estimate import Work, estimate
from relocation.rules.histogram import AgeHistogram, SizeHistogram
from relocation.rules.records import Action, Outcome, Proof
from relocation.rules.summary import Count, Equation, Named, ProbeAge, Summary, Unclaimed

MIB = 1024**2
HOSTILE_KEYS = (
    "images/<script>alert(1)</script>.jpg",
    'images/"><img src=x onerror=alert(1)>.png',
    "images/line\nbreak\r\n| a | b |`code`.txt",
    "images/\u202egpj.exe",
    "images/" + "長" * 339,
    "images/</svg></style></script><!--",
    "{{ 7 * 7 }}{% raw %}",
    "images/\udcff\x00.bin",
)


def counts(**given: tuple[int, int]) -> dict[str, Count]:
    """Counts by action, zero where none is given."""
    return {name: Count(*given.get(name, (0, 0))) for name in ("listed", *Action)}


def source_equation(counted: dict[str, Count]) -> Equation:
    terms = tuple((action.value, counted[action]) for action in Action if action is not Action.REMOVE)
    return Equation("source", counted["listed"], terms)


def shapes() -> tuple[SizeHistogram, AgeHistogram]:
    """2,146 objects, small images for the most part, three years old and younger."""
    sizes, ages = SizeHistogram(), AgeHistogram()
    for place in range(2146):
        size = (0, 900, 14_000, 48_000, 52_000, 180_000, 220_000, 700_000)[place % 8] if place % 89 else 9 * MIB
        sizes.add(size)
        ages.add(f"20{19 + place % 2 + place % 3 // 2:02}-{place * place % 12 + 1:02}-11T08:00:00.000Z", size)
    return sizes, ages


PROBES = (
    ProbeAge(
        "korea/talk",
        "2026-11-22T11:40:12Z",
        9058.0,
        (
            ("get_if_match", "honoured"),
            ("checksum_stored", "yes"),
            ("put_etag", "md5"),
            ("part_number", "honoured"),
            ("versioning", "off"),
            ("date_skew_s", "0"),
            ("child_of_key", "hidden"),
        ),
    ),
    ProbeAge(
        "japan/talk",
        "2026-11-22T11:40:15Z",
        9055.0,
        (
            ("put_if_none_match", "honoured"),
            ("get_if_match", "honoured"),
            ("delete_if_match", "ignored"),
            ("checksum", "verified"),
            ("put_etag", "md5"),
            ("versioning", "enabled"),
            ("object_lock", "off"),
            ("date_skew_s", "0"),
            ("leading_slash", "renamed to lead"),
            ("double_slash", "refused XMinioInvalidObjectName"),
            ("part_bytes_max", "255"),
            ("child_of_key", "hidden"),
            ("website_redirect", "dropped"),
        ),
    ),
    ProbeAge(
        "japan/evidence", "2026-11-20T01:00:00Z", 220_000.0, (("lock_enforced", "enforced"), ("put_if_none_match", "honoured"))
    ),
)

_BESIDE = "japan/talk hides children of a key from listings: `images/album{}` would stand beside it"
_SIZES, _AGES = shapes()
_PLANNED = counts(
    listed=(2146, 327_204_112),
    copy=(1987, 311_744_301),
    keep=(120, 12_044_800),
    prove=(25, 2_400_011),
    replace=(5, 611_000),
    conflict=(2, 104_000),
    refuse=(7, 300_000),
)

PLAN = Summary(
    migration="korea-to-japan",
    category="talk-images",
    wave="first",
    run_id="01JD9Q3V7Z6K",
    kind="plan",
    stage="plan",
    plan_sha256="8c1f" * 16,
    config_sha256="5ad0" * 16,
    counts=_PLANNED,
    refused=(
        Named("talk", "images/2020//double.jpg", "japan/talk refuses (XMinioInvalidObjectName) an empty path part (`//`) in a key"),
        Named("talk", "images/2020//旅行.jpg", "japan/talk refuses (XMinioInvalidObjectName) an empty path part (`//`) in a key"),
        Named("talk", "images/album", _BESIDE.format("/1.jpg")),
        Named("talk", "images/album/1.jpg", _BESIDE.format("")),
        Named("talk", "images/x__XLDIR__", "japan/talk renames (a canary was kept as `x/`) `__XLDIR__` in its name in a key"),
        Named("talk", "images/./dot.png", "japan/talk refuses (XMinioInvalidResourceName) `.` as a path part in a key"),
        Named("talk", "images/" + "a" * 300, "japan/talk keeps path parts of up to 255 bytes, this key has one of 300"),
    ),
    conflicts=(
        Named("talk", "images/2021/札幌 雪まつり.jpg", "the target holds another object of 48211 bytes that is not ours"),
        Named("talk", "images/2021/b.jpg", "the target holds another object of 9 bytes that is not ours"),
    ),
    unclaimed=(
        Unclaimed("korea/old-backup/", 412, 8_400_000, "2019-02-11T03:04:05Z"),
        Unclaimed("korea/talk/keep-memo/", 1_204, 91_200_000, "2021-03-01T10:00:00Z"),
    ),
    unknown=(
        "korea/talk hides children of a key from listings (`foo/bar` while `foo` exists): objects may exist that no listing shows",
    ),
    losses={"Last-Modified": 1987, "x-amz-website-redirect-location": 3},
    equations=(source_equation(_PLANNED),),
    sizes=_SIZES.bars(),
    ages=_AGES.bars(),
    estimate=estimate(
        Work(
            copy=Count(1992, 312_355_301),
            prove=Count(25, 2_400_011),
            extra_parts=61,
            uploads=9,
            source_listed=2146,
            target_listed=147,
        )
    ),
    probes=PROBES,
    moves=("korea/talk/images/ → japan/talk/images/",),
    source_country="KR",
    target_country="JP",
    timezone="Asia/Tokyo",
    residency="JP",
    deadline="2026-12-30",
    owner="messaging-platform",
    who="operator",
    host="mover-1",
    version="0.1.0",
    versions=(("python", "3.11.2"), ("wire", "lean")),
    started_at="2026-11-22T14:10:53Z",
    finished_at="2026-11-22T14:10:55Z",
    seconds=2.4,
    report="var/reports/01JD9Q3V7Z6K/report.html",
)

_ENDED = {Outcome.VERIFIED.value: Count(2146, 327_204_112)}
_ALL = counts(listed=(2146, 327_204_112), keep=(2146, 327_204_112))


def outcome_equation(total: Count, ended: dict[str, Count]) -> Equation:
    names = (Outcome.VERIFIED, Outcome.FAILED, Outcome.DRIFTED, Outcome.GONE, Outcome.CONFLICTED)
    return Equation("outcomes", total, tuple((name.value, ended.get(name, Count())) for name in names))


GOOD = replace(
    PLAN,
    kind="verify",
    stage="verify",
    counts=_ALL,
    outcomes=_ENDED,
    proofs={
        Proof.RECEIVED.value: 2146,
        Proof.SAME_ETAG.value: 2146,
        Proof.SOURCE_CHECKSUM.value: 37,
        Proof.READ_BACK.value: 2146,
    },
    refused=(),
    conflicts=(),
    unclaimed=(),
    losses={"Last-Modified": 2146},
    equations=(
        source_equation(_ALL),
        outcome_equation(_ALL["listed"], _ENDED),
        Equation("target", Count(2150, 327_250_000), (("ours", Count(2146, 327_204_112)), ("foreign", Count(4, 45_888)))),
    ),
    foreign=tuple(Named("talk", f"images/other/{n}.bin", "11472 bytes, ETag 0f343b0931126a20f133d67c2b018a3b") for n in range(4)),
    estimate=None,
    finished_at="2026-11-22T14:11:08Z",
    seconds=15.2,
    bytes_per_second=21_526_586.0,
)

_BAD = counts(
    listed=(2146, 327_204_112), copy=(2131, 326_000_000), keep=(12, 1_000_112), refuse=(1, 104_000), conflict=(2, 100_000)
)
_BAD_ENDED = {
    Outcome.VERIFIED.value: Count(2125, 325_500_000),
    Outcome.FAILED.value: Count(len(HOSTILE_KEYS) + 3, 1_100_112),
    Outcome.DRIFTED.value: Count(4, 300_000),
    Outcome.GONE.value: Count(2, 50_000),
}

BAD = replace(
    GOOD,
    wave="rest",
    counts=_BAD,
    outcomes=_BAD_ENDED,
    proofs={Proof.RECEIVED.value: 2113, Proof.SAME_ETAG.value: 2120, Proof.READ_BACK.value: 2125},
    mismatched=tuple(Named("talk", key, "the bytes read back from japan hash to something else") for key in HOSTILE_KEYS),
    failed=tuple(
        Named("talk", f"images/rot/{n}.jpg", "unreadable or overloaded: the store kept answering 503 for this object", 5)
        for n in range(3)
    ),
    refused=PLAN.refused[:1],
    conflicts=PLAN.conflicts,
    drifted=tuple(Named("talk", f"images/live/{n}.jpg", "is no longer the version that was planned") for n in range(4)),
    gone=tuple(Named("talk", f"images/live/gone-{n}.jpg", "gone from the source") for n in range(2)),
    unclaimed=PLAN.unclaimed,
    equations=(
        source_equation(_BAD),
        outcome_equation(_BAD["copy"] + _BAD["keep"], _BAD_ENDED),
        Equation("target", Count(2150, 327_250_000), (("ours", Count(2125, 325_500_000)), ("foreign", Count(4, 45_888)))),
    ),
)


def too_long(rows: int) -> Summary:
    """Every list with `rows` lines, with keys and reasons of a usual length."""
    named = tuple(
        Named(
            "talk-images",
            f"images/2020/{n % 12 + 1:02}/user-{n * 7919:010}.jpg",
            f"reason {n % 5} why this needs a person's eye",
            3,
        )
        for n in range(rows)
    )
    return replace(
        BAD,
        mismatched=named,
        failed=named,
        refused=named,
        conflicts=named,
        drifted=named,
        gone=named,
        remove=named,
        deleted_at_target=named,
        foreign=named,
        unknown=tuple(f"unknown number {n}" for n in range(rows)),
        unclaimed=tuple(Unclaimed(f"korea/bucket-{n}/", n, n * 1000, "2019-02-11T03:04:05Z") for n in range(rows)),
    )
