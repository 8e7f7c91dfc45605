"""What a deployment's page tells an operator, in Markdown: what it does, what it will never do, what to do next. Pure."""

from __future__ import annotations

from flows.forms import evidence_of, told
from relocation.rules.keys import shown
from relocation.settings import Category, Migration, Side

DRY_RUN = """Shows what the wave **would** do: lists both sides, compares them, and reports what would be copied, kept, refused \
or found in conflict, with the time and the requests that it would take.

**Writes nothing to your data**: neither to source nor to target buckets, in {source} or in {target}. Its plan, inventories and \
report {evidence}. It can be run at any time, also while a wave is under way."""

WAVE = """Moves one wave from {source} to {target} and proves that every byte arrived: it lists both sides, copies what is \
missing, reads all of it back over another connection, hashes it again, and reports.

* **Dry run** is on unless you switch it off. It writes nothing to your data; its plan, inventories and report {evidence}.
* Started again, it takes up what is new or changed; what is there and proved is left alone.
* Cancelled, killed or stopped by a fault, it loses nothing: the next run goes on where it stopped.

**It never** deletes anything on either side, never overwrites an object that Hikkoshi did not write, and never runs twice at a \
time for one wave: the second run says who is at work, and changes nothing."""

VERIFY = """Reads back what a wave brought home and hashes it again, also what somebody else copied: those objects are compared \
byte for byte with the source.

**Writes nothing to your data**: neither to source nor to target buckets, in {source} or in {target}. Its plan, inventories, \
facts and report {evidence}. A wave that is under way has to end first."""

CATCH_UP = """The source stayed in use since the wave was moved: this brings level, pass after pass, what was put, overwritten or \
deleted since, until little differs. The last pass looks at tags, metadata and locks too, which no listing shows.

* **Write fence** is off unless you switch it on. On, the application **can't write** at {source} while one more pass is made: the \
fence is tried by a write as the application, and lifted when the pass ends, also when it fails or is cancelled. Only behind a \
fence nothing changes after the last pass.
* **Feed of changes** names a file beside the configuration: the first pass asks for its keys alone, and a whole one follows.
* What people deleted at the source is deleted in {target} too, as the category's policy says: only objects that Hikkoshi wrote \
and nobody replaced, and never once readers were moved or anything was erased.
* Cancelled, killed or stopped by a fault, it loses nothing: the next run begins with a new plan. A fence that a killed run left \
is lifted by whatever starts next on that machine; `hikkoshi fence status` shows what stands, `hikkoshi fence lift` takes it away.

**It never** deletes anything at the source, never touches what Hikkoshi did not write, never runs beside another run of the wave. \
Its plans, inventories and report {evidence}."""

RESIDENCY = """Which country holds what today, category by category: what is home and proved, what is left, whether it makes its \
deadline, and what nobody knows. As a page of this run (its artifact), with what lies beside it as HTML and JSON.

**Asks the ledger alone**: no store is asked, nothing is written to any. Every figure has the run and the time it comes from."""

PACE = """Changes how fast an endpoint is asked, while waves run: at most so many bytes or requests a second, or nothing at all \
until somebody lets it go on. All processes at work keep to it within three seconds, and share it.

A paused wave keeps its place and loses nothing. What holds now stands in this run's last state, and in `hikkoshi status`."""

TEXTS = {"dry-run": DRY_RUN, "wave": WAVE, "verify": VERIFY, "catch-up": CATCH_UP}

ENDINGS = """### How a run ends
| state | what it means |
|---|---|
| Completed | {done} |
| CompletedWithChanges | the source changed meanwhile: run it again |
| CompletedWithRefusals | objects can't move; the report names each, and why |
| Incomplete | objects failed, or the figures do not add up: read the report, run again |
| Failed | it could not start or go on; its message says why and what to do |"""


def description(what: str, name: str, migration: Migration) -> str:
    """Return the page of one deployment; `what` is `dry-run`, `wave`, `verify` or `catch-up`."""
    category = migration.categories[name]
    sides = {"source": _country(migration, category.moves[0].source), "target": _country(migration, category.moves[0].target)}
    sides["evidence"] = evidence_of(migration)
    done = "the plan is there, and nothing in it is refused" if what == "dry-run" else "all of it is there, and was read back"
    parts = [TEXTS[what].format(**sides), _facts(name, category), _waves(category), ENDINGS.format(done=done)]
    return "\n\n".join(filter(None, parts))


def _facts(name: str, category: Category) -> str:
    moves = [f"{_place(move.source)} → {_place(move.target)}" for move in category.moves]
    lines = [
        f"### {name}",
        category.description,
        "\n".join(f"* {move}" for move in moves)
        + f"\n* due **{category.deadline}** · owner **{category.owner}** · must live in **{category.residency}**",
    ]
    return "\n\n".join(filter(None, lines))


def _waves(category: Category) -> str:
    return "### Waves\n" + "\n".join(f"* {told(wave, category)}" for wave in category.all_waves())


def _place(side: Side) -> str:
    return f"`{side.endpoint}/{side.bucket}/{shown(side.prefix)}`"


def _country(migration: Migration, side: Side) -> str:
    return f"{side.endpoint} ({migration.endpoints[side.endpoint].country})"
