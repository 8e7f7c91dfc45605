"""Three categories in the middle of a migration: one home, one late with refusals, one of which a part was never listed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from connectors.report.residency import State
from relocation.rules.deadlines import DayEnd, forecast
from relocation.rules.residency import Holding, Said, WaveHolds
from relocation.rules.summary import Count, Histories, Unclaimed, Unfinished

TODAY = date(2021, 6, 20)
NOW = datetime(2021, 6, 20, 8, 30, tzinfo=UTC)
OBJECT_BYTES = 48_000
PROOFS = ("received", "same_etag", "read_back")
UNCLAIMED = (
    Unclaimed("korea/old-backup/", 412, 8_400_000, "2019-02-11T03:04:05Z"),
    Unclaimed("korea/talk/keep-memo/", 1_204, 91_200_000, "2021-03-01T10:00:00Z"),
    Unclaimed("korea/%3Cb%3Esecret", -1, -1, ""),
)
UNFINISHED = (Unfinished("source", "korea"), Unfinished("target", "japan", doubt="it shows no unfinished uploads"))
NO_HISTORY = Histories(counts={"former_versions": Count(), "delete_markers": Count()})
UNKNOWN = (
    "korea/talk hides children of a key from listings (`foo/bar` while `foo` exists): objects may exist that no listing shows",
)


def many(objects: int) -> Count:
    return Count(objects, objects * OBJECT_BYTES)


def said(day: int, kind: str = "run") -> Said:
    return Said(f"202106{day:02}T010000-5ad0c1{day:02}", kind, f"2021-06-{day:02}T03:12:44+00:00")


def holding(
    category: str, left: list[int], deadline: date, waves: tuple[WaveHolds, ...], *, unseen: tuple[str, ...] = ()
) -> Holding:
    listed = waves[0].there.objects
    first = TODAY - timedelta(days=len(left) - 1)
    days = tuple(
        DayEnd(first + timedelta(days=number), many(each), many(listed - each), unseen) for number, each in enumerate(left)
    )
    return Holding(category, "KR", "JP", "JP", "messaging-platform", deadline, waves, days, forecast(days, deadline, TODAY))


def wave(name: str, listed: int, left: int, refused: int = 0, *, listed_by: Said | None, proved_by: Said | None) -> WaveHolds:
    home = many(listed - left)
    trouble = {"refuse": many(refused), "drifted": many(12)} if refused else {}
    proofs = dict.fromkeys(PROOFS, home.objects)
    holds = WaveHolds(name, many(listed), many(left), home, trouble, proofs, listed_by, proved_by, UNKNOWN, UNCLAIMED, 3)
    return replace(holds, unfinished=UNFINISHED, histories=NO_HISTORY)


HOME = holding(
    "albums",
    [120_000, 90_000, 60_000, 30_000, 0, 0],
    date(2021, 6, 30),
    (wave("all", 2_400_000, 0, listed_by=said(19), proved_by=said(19)),),
)
LATE = holding(
    "talk-images",
    [10_000_000 - 420_000 * day for day in range(12)],
    date(2021, 6, 30),
    (
        wave("first", 10_000_000, 5_380_000, 412, listed_by=said(20, "plan"), proved_by=said(19)),
        wave("rest", 3_000, 0, listed_by=said(9), proved_by=said(9)),
    ),
)
UNSEEN = holding(
    "timeline",
    [4_000, 3_000],
    date(2022, 6, 30),
    (wave("official", 4_000, 3_000, listed_by=said(20), proved_by=said(20)), WaveHolds("users")),
    unseen=("users",),
)
STATE = State("korea-to-japan", "Asia/Tokyo", "5ad0" * 16, NOW, TODAY, (HOME, LATE, UNSEEN))
