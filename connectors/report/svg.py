"""The few shapes that the pictures are made of, as escaped SVG for the page itself; nothing is loaded, no name is shared."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from connectors.report.words import Text, Words, as_text

WIDTH = 720


def rect(x: float, y: float, width: float, height: float, style: str) -> Markup:
    """Return a filled rectangle."""
    return Markup('<rect class="fill-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(style, x, y, width, height)


def label(x: float, y: float, words: Words, style: str) -> Markup:
    """Return a line of text, in both languages where they differ."""
    text = as_text(words)
    one = Markup('<text x="{:.1f}" y="{:.1f}" class="{}">{}</text>')
    if text.en == text.ja:
        return one.format(x, y, style, text.en)
    both = Markup('<text x="{0:.1f}" y="{1:.1f}" class="{2} {3}" lang="{2}">{4}</text>')
    return both.format(x, y, "en", style, text.en) + both.format(x, y, "ja", style, text.ja)


def picture(height: float, title: Text, description: Text, shapes: Iterable[Markup], style: str) -> Markup:
    """Return the whole picture. A screen reader takes one title, so it holds both languages."""
    return Markup('<svg class="picture {}" viewBox="0 0 {} {:.0f}" role="img"><title>{}</title><desc>{}</desc>{}</svg>').format(
        style, WIDTH, height, _both(title), _both(description), Markup().join(shapes)
    )


def _both(text: Text) -> Markup:
    return escape(text.en if text.en == text.ja else f"{text.en} / {text.ja}")
