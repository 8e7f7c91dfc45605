"""The goals, as data: each with what was wanted, what was measured, and whether it was met. What was not run is not judged."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.results import Case, Results

AGAINST = {"copy": "copy only", "verify": "copy and verification"}


@dataclass(frozen=True, slots=True)
class Faster:
    """Ours is at least `times` as fast as another tool, whole process against whole process."""

    load: str
    mode: str
    tool: str
    tool_mode: str
    times: float


@dataclass(frozen=True, slots=True)
class Verdict:
    goal: str
    wanted: str
    measured: str
    met: bool


PLAIN = (
    Faster("small", "copy", "rclone", "copy", 1.35),
    Faster("small", "copy", "juicefs", "copy", 1.15),
    Faster("small", "verify", "rclone", "copy", 1.0),
    Faster("small", "verify", "rclone", "verify", 1.9),
    Faster("small", "verify", "juicefs", "verify", 1.35),
    Faster("large", "copy", "rclone", "copy", 1.3),
    Faster("large", "copy", "juicefs", "copy", 1.0),
    Faster("mixed", "verify", "rclone", "verify", 1.5),
)
TLS = tuple(Faster(each.load, each.mode, each.tool, each.tool_mode, 1.1) for each in PLAIN if each.tool == "rclone")
MARGINAL_MS = {"copy": 0.22, "verify": 0.32}
LARGE_S_A_GIB = 0.75
START_WALL_S, START_CPU_S = 1.5, 1.2
FAR_MS, FAR_SHARE = 30, 0.9
MEMORY_MIB = 128 + 170e6 / 2**20  # the default budget of bytes in flight, and 170 MB for the program


def verdicts(results: Results) -> list[Verdict]:
    """Judge what was run."""
    found = [_faster(results, each) for each in (TLS if results.tls else PLAIN)]
    if not results.tls:
        found += [_marginal(results, mode, most) for mode, most in MARGINAL_MS.items()]
        found += [_large(results), *_start(results)]
    found.append(_memory(results))
    found += [_far(results, case) for case in results.chosen(delayed=True) if case.tool == "ours" and case.delay_ms == FAR_MS]
    return [each for each in found if each]


def _faster(results: Results, goal: Faster) -> Verdict | None:
    mine = results.rate(Case(goal.load, "ours", goal.mode))  # type: ignore[arg-type]
    theirs = results.rate(Case(goal.load, goal.tool, goal.tool_mode))  # type: ignore[arg-type]
    if mine is None or theirs is None:
        return None
    words = f"{goal.load}, {AGAINST[goal.mode]}: speed against {goal.tool}, {AGAINST[goal.tool_mode]}"
    return Verdict(words, f"≥ {goal.times:.2f} ×", f"{mine / theirs:.2f} ×", mine / theirs >= goal.times)


def _marginal(results: Results, mode: str, most_ms: float) -> Verdict | None:
    marginal_ms = results.marginal_ms(Case("small", "ours", mode))  # type: ignore[arg-type]
    if marginal_ms is None:
        return None
    words = f"small, {AGAINST[mode]}: marginal client CPU an object"
    return Verdict(words, f"≤ {most_ms:.2f} ms", f"{marginal_ms:.3f} ms", marginal_ms <= most_ms)


def _large(results: Results) -> Verdict | None:
    case = Case("large", "ours", "copy")
    a_gib, cost = results.marginal_s_a_gib(case), results.median(case)
    if a_gib is None or cost is None:
        return None
    measured = f"{a_gib:.2f} s ({cost.cpu_s:.2f} s with the start)"
    return Verdict("large, copy only: client CPU a GiB", f"≤ {LARGE_S_A_GIB:.2f} s", measured, a_gib <= LARGE_S_A_GIB)


def _start(results: Results) -> list[Verdict]:
    cost = results.median(Case("empty", "ours", "verify")) or results.median(Case("empty", "ours", "copy"))
    if cost is None:
        return []
    words = "start-up (`run` on an empty category)"
    return [
        Verdict(f"{words}: wall", f"≤ {START_WALL_S:.1f} s", f"{cost.wall_s:.2f} s", cost.wall_s <= START_WALL_S),
        Verdict(f"{words}: CPU", f"≤ {START_CPU_S:.1f} s", f"{cost.cpu_s:.2f} s", cost.cpu_s <= START_CPU_S),
    ]


def _memory(results: Results) -> Verdict | None:
    peaks = [cost.rss_mib for case in results.runs if case.tool == "ours" for cost in results.runs[case]]
    if not peaks:
        return None
    words = "every load: peak memory of all processes of ours, the largest of all runs"
    return Verdict(words, f"≤ {MEMORY_MIB:.0f} MiB", f"{max(peaks):.0f} MiB", max(peaks) <= MEMORY_MIB)


def _far(results: Results, case: Case) -> Verdict | None:
    near, far = results.rate(Case(case.load, "ours", case.mode, delay_ms=0)), results.rate(case)
    if near is None or far is None:
        return None
    words = f"{case.load}, {AGAINST[case.mode]}: rate {FAR_MS} ms away, of that at 0 ms"
    return Verdict(words, f"≥ {FAR_SHARE:.0%}", f"{far / near:.0%}", far / near >= FAR_SHARE)
