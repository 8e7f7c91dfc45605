"""The tables of a benchmark in Markdown: the goals, each load, growth, distance. Every figure is a median of whole processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.chart import MODE_WORDS, rate_words
from benchmarks.goals import Verdict
from benchmarks.loads import GIB
from benchmarks.results import Case, Results, machine
from benchmarks.tools import Mode

HEAD = "| | wall | rate | client CPU | of it fixed | marginal | server CPU | peak memory |\n|---|--:|--:|--:|--:|--:|--:|--:|"


def titles(results: Results) -> dict[str, str]:
    """Return the compared loads in words."""
    words = {}
    for name in ("small", "large", "mixed"):
        if load := results.loads.get(name):
            size = f"{load.bytes / GIB:.2g} GiB" if load.bytes >= GIB else f"{load.bytes >> 20} MiB"
            kinds = {
                "small": f"{load.objects:,} × 16 KiB",
                "large": f"{load.objects} × 256 MiB in parts of 16 MiB",
                "mixed": f"mixed: {load.objects:,} objects of 4 KiB – 64 MiB, log-normal, {size}",
            }
            words[name] = kinds[name]
    return words


def page(results: Results, verdicts: list[Verdict], command: str) -> str:
    """Return all tables that the results have figures for."""
    sections = [_head(results, command), _goals(verdicts)]
    sections += [_load(results, load, words) for load, words in titles(results).items()]
    sections += [_start(results), _growth(results), _at_once(results), _far(results)]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(results: Results, command: str) -> str:
    size = machine()
    where = f"{size['cores']} cores ({size['processor']}), {size['memory_gib']} GiB, {size['system']}, Python {size['python']}"
    versions = ", ".join(f"{tool} {version.removeprefix('hikkoshi ')}" for tool, version in results.versions.items() if version)
    missing = ", ".join(tool for tool, version in results.versions.items() if not version)
    tls = ", TLS on both sides" if results.tls else ""
    lines = [
        f"Measured {results.begun[:10]} on {where}; two MinIO and the client share them; data, and our ledger, on tmpfs{tls}.",
        f"Medians of {results.rounds()} interleaved runs of whole processes.",
        f"Tools: {versions}.{f' Left out, not on this machine: {missing}.' if missing else ''} Again: `{command}`.",
        f"Memory of a program that does nothing shows as {results.floor_mib:.0f} MiB.",
    ]
    return "  \n".join(lines)


def _goals(verdicts: list[Verdict]) -> str:
    if not verdicts:
        return ""
    rows = [f"| {each.goal} | {each.wanted} | {each.measured} | {'met' if each.met else '**missed**'} |" for each in verdicts]
    return "\n".join(["### Goals", "", "| | goal | measured | |", "|---|--:|--:|---|", *rows])


def _load(results: Results, load: str, words: str) -> str:
    cases = sorted((case for case in results.chosen() if case.load == load), key=lambda case: case.mode)
    if not cases:
        return ""
    rows = [_row(results, case) for case in cases]
    return "\n".join([f"### {words}", "", HEAD, *rows, *_ceiling(results, load)])


def _row(results: Results, case: Case) -> str:
    cost, load = results.median(case), results.loads[case.load]
    assert cost is not None
    fixed_s = results.fixed_cpu_s(case.tool, case.mode)
    if load.name == "small":
        marginal_ms = results.marginal_ms(case)
        marginal = "" if marginal_ms is None else f"{marginal_ms:.3f} ms/object"
        server = f"{cost.server_cpu_s / load.objects * 1000:.2f} ms/object"
    else:
        a_gib = results.marginal_s_a_gib(case)
        marginal = "" if a_gib is None else f"{a_gib:.2f} s/GiB"
        server = f"{cost.server_cpu_s / (load.bytes / GIB):.2f} s/GiB"
    rate = rate_words(results, case, results.rate(case) or 0.0)
    fixed = "" if fixed_s is None else f"{fixed_s:.2f} s"
    name = f"{case.tool}, {MODE_WORDS[case.mode]}"
    figures = f"{cost.wall_s:.2f} s | {rate} | {cost.cpu_s:.2f} s | {fixed} | {marginal} | {server} | {cost.rss_mib:.0f} MiB"
    return f"| {f'**{name}**' if case.tool == 'ours' else name} | {figures} |"


def _ceiling(results: Results, load: str) -> Iterator[str]:
    """Yield the rate that the servers alone would allow: cores ÷ the server CPU of an object, for what we ask of them."""
    cores = int(str(machine()["cores"]))
    for mode in ("copy", "verify"):
        case = Case(load, "ours", mode)
        cost = results.median(case)
        if cost and cost.server_cpu_s:
            rate = cores / (cost.server_cpu_s / results.loads[load].objects)
            yield f"| *the servers' own ceiling, {MODE_WORDS[mode]}* | | {rate_words(results, case, rate)} | | | | | |"


def _start(results: Results) -> str:
    rows = []
    for case in results.chosen():
        if case.load in {"empty", "one"}:
            cost = results.median(case)
            assert cost is not None
            words = "nothing" if case.load == "empty" else "one object"
            row = f"{cost.wall_s:.2f} s | {cost.cpu_s:.2f} s | {cost.rss_mib:.0f} MiB"
            rows.append(f"| {words}: {case.tool}, {MODE_WORDS[case.mode]} | {row} |")
    return (
        "\n".join(["### Start-up", "", "| | wall | client CPU | peak memory |", "|---|--:|--:|--:|", *sorted(rows)]) if rows else ""
    )


def _growth(results: Results) -> str:
    cases = list(results.chosen(prefix="grow"))
    marks = list(dict.fromkeys(case.load for case in cases))
    return _grid(
        results,
        "### As loads grow (objects/s · peak memory)",
        [f"{results.loads[mark].objects:,} objects" for mark in marks],
        {
            (tool, mode): [Case(mark, tool, mode) for mark in marks]
            for tool, mode in dict.fromkeys((case.tool, case.mode) for case in cases)
        },
        memory=True,
    )


def _at_once(results: Results) -> str:
    cases = list(results.chosen(at_once=True))
    marks = sorted({case.at_once for case in cases})
    return _grid(
        results,
        f"### As many at once ({results.loads[cases[0].load].objects:,} × 16 KiB, objects/s · peak memory)" if cases else "",
        [str(mark) for mark in marks],
        {
            (tool, mode): [Case(load, tool, mode, at_once=mark) for mark in marks]
            for load, tool, mode in dict.fromkeys((case.load, case.tool, case.mode) for case in cases)
        },
        memory=True,
    )


def _far(results: Results) -> str:
    cases = list(results.chosen(delayed=True))
    if not cases:
        return ""
    marks = sorted({case.delay_ms for case in cases if case.delay_ms is not None})
    sections = []
    for load in dict.fromkeys(case.load for case in cases):
        rows = {
            (tool, mode): [Case(load, tool, mode, delay_ms=mark) for mark in marks]
            for tool, mode in dict.fromkeys((case.tool, case.mode) for case in cases if case.load == load)
        }
        heads = [f"{mark} ms" for mark in marks]
        sections.append(_grid(results, f"### Far away: {load}, a round trip of so much more on both sides", heads, rows))
    spent = [text for case in cases if case.tool == cases[0].tool and (text := _proxy(results, case))]
    ceiling = "The proxies' own share: CPU of the busier one an object, and the rate at which it would be the limit: "
    return "\n\n".join([*sections, ceiling + "; ".join(spent) + "."])


def _proxy(results: Results, case: Case) -> str:
    spent = sorted(results.proxy_cpu_s[case])
    middle_s, objects = spent[len(spent) // 2], results.loads[case.load].objects
    if not middle_s:
        return ""
    limit = rate_words(results, case, objects / middle_s)
    return f"{case.load}, {case.tool}, {case.mode}, {case.delay_ms} ms: {middle_s / objects * 1000:.3f} ms, {limit}"


def _grid(
    results: Results, title: str, heads: list[str], rows: Mapping[tuple[str, Mode], list[Case]], *, memory: bool = False
) -> str:
    if not rows:
        return ""
    lines = [title, "", f"| | {' | '.join(heads)} |", "|---|" + "--:|" * len(heads)]
    for (tool, mode), cases in rows.items():
        cells = []
        for case in cases:
            cost = results.median(case)
            words = "" if cost is None else rate_words(results, case, results.rate(case) or 0.0).removesuffix(" objects/s")
            cells.append(words + (f" · {cost.rss_mib:.0f} MiB" if cost and memory else ""))
        lines.append(f"| {tool}, {MODE_WORDS[mode]} | {' | '.join(cells)} |")
    return "\n".join(lines)
