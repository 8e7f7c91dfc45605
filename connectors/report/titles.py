"""What the parts of a report are called, for page and Markdown alike: title, place, equations and their terms, the seal's lines."""

from __future__ import annotations

from connectors.report.figures import duration, moment, plain
from connectors.report.words import Text, Words, as_text, say, say_or
from relocation.rules.summary import Equation, Summary


def title_of(summary: Summary) -> Text:
    """Return kind and category."""
    return say("title", kind=say(f"kind.{summary.kind}"), category=plain(summary.category))


def place_of(summary: Summary) -> Text:
    """Return the wave, or all of them."""
    return say("wave", wave=plain(summary.wave)) if summary.wave is not None else say("waves.all")


def equation_name(equation: Equation) -> Text:
    """Return what an equation claims; one of a single wave (`source · first`) names it."""
    name, _, wave = equation.name.partition(" · ")
    title = say_or(f"equation.{name}", plain(name))
    return Text(f"{title.en} ({plain(wave)})", f"{title.ja}（{plain(wave)}）") if wave else title


def term_name(name: str) -> Text:
    """Return an action, an outcome or another part of an equation in words."""
    for kind in ("action", "outcome", "term"):
        text = say_or(f"{kind}.{name}", "")
        if text.en:
            return text
    return as_text(plain(name))


def seal_of(summary: Summary) -> list[tuple[Text, Words, bool]]:
    """Return name, value, and whether the value is a hash or a name to be set in fixed width."""
    started, finished = (moment(at, summary.timezone) if at else "" for at in (summary.started_at, summary.finished_at))
    residency = say_or(f"country.{summary.residency}", plain(summary.residency))
    versions = [plain(summary.version), *(f"{plain(name)} {plain(version)}" for name, version in summary.versions)]
    return [
        (say("seal.plan"), summary.plan_sha256 or say("seal.plan.none"), True),
        (say("seal.config"), summary.config_sha256, True),
        (say("seal.migration"), plain(summary.migration), False),
        (say("seal.run"), plain(summary.run_id), True),
        (say("seal.stage"), say_or(f"stage.{summary.stage}", plain(summary.stage)), False),
        (say("seal.started"), started, False),
        (say("seal.finished"), finished or say("seal.open"), False),
        (say("seal.took"), duration(summary.seconds), False),
        (say("seal.who"), plain(summary.who), False),
        (say("seal.host"), plain(summary.host), False),
        (say("seal.owner"), plain(summary.owner), False),
        (say("seal.deadline"), plain(summary.deadline), False),
        (say("seal.residency"), residency if summary.residency else "", False),
        (say("seal.timezone"), plain(summary.timezone), False),
        (say("seal.version"), ", ".join(versions), False),
    ]
