"""The story, chapter by chapter. Each ends with claims; whatever does not hold is told again at the end."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from connectors.assemble import settings_from
from hikkoshi import local
from hikkoshi.checking import places_of
from hikkoshi.commands.deploy import run_deploy
from hikkoshi.commands.report import newest_pages
from hikkoshi.commands.waves import Done, Work, each_wave
from hikkoshi.demo import operator
from hikkoshi.demo.between import Between, between
from hikkoshi.demo.independent import compare
from hikkoshi.demo.korea import FORGOTTEN, Made, korea
from hikkoshi.demo.rot import rotten
from hikkoshi.demo.seed import seed
from hikkoshi.demo.telling import Teller
from hikkoshi.exit_codes import ExitCode
from hikkoshi.fault_proxy import Fault, FlipByte
from hikkoshi.local.buckets import Bucket, make_buckets
from hikkoshi.local.configuration import REGIONS
from hikkoshi.pace import duration, objects, size
from hikkoshi.shell import Json, Shell, home
from hikkoshi.stopping import run_until_stopped
from hikkoshi.summary_view import show
from relocation.rules.errors import Refusal
from relocation.rules.keys import shown
from relocation.rules.objects import Place
from relocation.rules.records import Action, Outcome, Proof
from relocation.rules.summary import Count, Summary
from relocation.settings import Migration
from relocation.stages.context import Context
from relocation.stages.probe import probe, refuse_same_bucket
from relocation.stages.wave import WaveRequest, dry_run, run_wave, verify_wave

CATEGORIES = (("talk-images", "talk", "images/"), ("files", "files", ""), ("talk-videos", "talk", "videos/"))
ALBUMS = "albums"
SMALL_BYTES_MAX = 12_000
BUILT_S_MIN = 2.0
"""Finding MinIO takes less; building it, or waiting for somebody who does, takes more."""
Stage = Callable[[Context, WaveRequest], Coroutine[Any, Any, Summary]]


def _command() -> str:
    """Return how the command is typed here: by its name if the PATH has it, else by the path that started this."""
    return "hikkoshi" if shutil.which("hikkoshi") else os.path.relpath(sys.argv[0])


class Story:
    """One telling. Its chapters share the servers' state, the configuration and the teller."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._teller = Teller(shell.out)
        self._root = home(shell.environ)
        self._state: local.LocalState
        self._settings: Migration

    def tell(self) -> int:
        """Tell all chapters and return the exit code."""
        teller = self._teller
        self._shell.go_on = "hikkoshi demo begins anew; hikkoshi local down ends the servers"
        teller.title("引越し Hikkoshi: a messenger's data move from Korea to Japan, on this machine")
        self._servers()
        self._seed()
        self._dry_run()
        self._move()
        self._listed_by_somebody_else()
        with between(self._settings) as proxies:
            self._again(proxies)
            self._broken(proxies)
            self._mended(proxies)
        self._prefect()
        return self._end()

    def _servers(self) -> None:
        self._teller.chapter(
            "Two countries", f"Two MinIO, Prefect and its worker, all on loopback, all below {self._root / 'var'}."
        )
        local.down(self._root, self._told)
        wipe(self._root)
        with self._teller.apart():
            local.find_or_build(self._told)
        self._state = local.up(self._root, self._told)
        self._settings = settings_from(self._state.configuration, self._shell.environ)
        self._shell.config, self._shell.state_dir = self._state.configuration, self._settings.state_dir
        running = [server.name for server in self._state.servers if server.running]
        self._teller.claim(len(running) == len(self._state.servers), f"running: {', '.join(running)}")

    def _seed(self) -> None:
        teller = self._teller
        teller.chapter("What is in Korea")
        owner = self._state.keys("korea", "root")
        make_buckets(self._state.url("korea"), REGIONS["korea"], owner, [Bucket(FORGOTTEN)])
        begun = teller.seconds
        seeded = run_until_stopped(seed(self._settings, self._shell.environ))
        for bucket, count in seeded.buckets.items():
            teller.line(bucket, f"{objects(count.objects):>14}  {size(count.bytes):>10}")
        total = seeded.total
        took = duration(teller.seconds - begun)
        teller.claim(total.objects >= 2000, f"{objects(total.objects)}, {size(total.bytes)}, put there in {took}")

    def _dry_run(self) -> None:
        self._teller.chapter("Dry run", "What would happen? Neither country is written to; plan and report go to the evidence.")
        self._teller.typed("hikkoshi plan talk-images")
        done = self._do("talk-images", dry_run)
        show(self._shell.out, done.whole)
        self._teller.claim(done.code == ExitCode.DONE, "nothing stands in the way")
        forgotten = [place.place for place in done.whole.unclaimed if FORGOTTEN in place.place]
        self._teller.claim(bool(forgotten), f"and it names what everybody forgot: {', '.join(forgotten)} is in no category")

    def _move(self) -> None:
        teller = self._teller
        teller.chapter("The move", "Plan, copy, read every object back from Japan, hash it again.")
        for category, _, _ in CATEGORIES:
            teller.typed(f"hikkoshi run {category}")
            done = self._do(category, run_wave)
            if category == CATEGORIES[0][0]:
                show(self._shell.out, done.whole)
            listed = done.whole.counts["listed"]
            proved = done.whole.proofs[Proof.READ_BACK]
            moved = f"{category}: {objects(listed.objects)}, {size(listed.bytes)}, every one read back and the same"
            teller.claim(done.code == ExitCode.DONE and proved == listed.objects > 0, moved, _counted(done.whole))

    def _listed_by_somebody_else(self) -> None:
        self._teller.chapter("Don't take our word for it", "boto3 lists both countries, with the auditor's keys.")
        for category, bucket, prefix in CATEGORIES:
            self._compare(category, bucket, prefix)

    def _compare(self, category: str, bucket: str, prefix: str) -> None:
        found = compare(self._state, bucket, prefix)
        both = f"{found.objects[0]:,} and {found.objects[1]:,} objects, {found.bytes[0]:,} and {found.bytes[1]:,} bytes"
        other = f"{sum(found.only)} on one side only, {found.other_size} of another size, {found.other_etag} with another ETag"
        self._teller.claim(found.alike and found.objects[0] > 0, f"{category}: {both}; the same keys, sizes and ETags", other)

    def _again(self, proxies: Between) -> None:
        teller = self._teller
        teller.chapter("Once more", "The same run again, with a counting proxy before each country.")
        category = CATEGORIES[0][0]
        run_until_stopped(self._probe(proxies.settings, "talk"))  # at another address a store is asked anew, by canaries
        proxies.forget()
        teller.typed(f"hikkoshi run {category}")
        done = self._do(category, run_wave, proxies.settings)
        kept = done.whole.counts[Action.KEEP].objects
        teller.claim(
            done.code == ExitCode.DONE and kept == done.whole.counts["listed"].objects, f"{objects(kept)} to keep, none to copy"
        )
        writes = proxies.writes()
        teller.claim(writes == 0, f"the proxies saw {proxies.reads():,} reads and {writes} writes, evidence apart")

    def _broken(self, proxies: Between) -> None:
        teller = self._teller
        teller.chapter("Two accidents", "Sizes and ETags in the listing stay as they are.")
        flipped, rotting = (_small_image(year) for year in ("2019", "2020"))
        teller.say(f"One byte of {flipped.key} flips on its way back from Japan.")
        teller.say(f"One byte of {rotting.key} rots on Japan's drive.")
        target = "^/talk/" + shown(flipped.key)
        proxies.japan.faults = [Fault(FlipByte(at=1000), method="GET", target=target, nth=1)]
        teller.typed("hikkoshi verify talk-images")
        with rotten(self._state, rotting.bucket, rotting.key, rotting.body):
            done = self._do("talk-images", verify_wave, proxies.settings)
        proxies.japan.faults = []
        whole = done.whole
        for named in (*whole.mismatched, *whole.failed):
            teller.line("named", f"{named.bucket}/{shown(named.key)}")
            teller.say(f"              {named.reason}", "dim")
        teller.claim([each.key for each in whole.mismatched] == [flipped.key], "the flipped one came back with other bytes")
        teller.claim([each.key for each in whole.failed] == [rotting.key], "the rotten one could not be read")
        well = whole.outcomes[Outcome.VERIFIED].objects
        teller.claim(well == whole.counts["listed"].objects - 2, f"the other {well:,} are as they were")
        teller.claim(done.code == ExitCode.SOMETHING, f"exit code {int(done.code)}")

    def _mended(self, proxies: Between) -> None:
        self._teller.chapter("Mended", "The drive is repaired (the demo puts the byte back). What failed is looked at again.")
        self._teller.typed("hikkoshi run talk-images")
        done = self._do("talk-images", run_wave, proxies.settings)
        counts, proved = done.whole.counts, done.whole.outcomes[Outcome.VERIFIED]
        told = f"{objects(counts[Action.PROVE].objects)} proved against Korea, {counts[Action.KEEP].objects:,} kept"
        self._teller.claim(done.code == ExitCode.DONE and proved == counts["listed"], f"{told}, all verified", _counted(done.whole))

    def _prefect(self) -> None:
        teller = self._teller
        teller.chapter(
            "The same for operators", "Every category becomes four Prefect deployments; one is started as the form does."
        )
        teller.typed("hikkoshi deploy")
        said = run_deploy(self._shell, self._settings.file, activate=False)
        teller.say(said.splitlines()[0] if said else "")
        url = self._state.url("prefect")
        run = operator.run_wave(url, ALBUMS, "all")
        teller.claim(run.state == "Completed", f"wave {ALBUMS}: {run.state}", run.message)
        teller.line("its page", f"{url}/runs/flow-run/{run.id}")
        self._compare(ALBUMS, ALBUMS, "")

    def _end(self) -> int:
        teller = self._teller
        home_now = self._home()
        teller.chapter("The end" if not teller.broken else "Not as told")
        if teller.broken:
            for broken in teller.broken:
                teller.say(f"✗ {broken}", "red")
        else:
            teller.say(f"{objects(home_now.objects)}, {size(home_now.bytes)} are in Japan and proved, in {time_of(teller)}.")
        for category in (*(each for each, _, _ in CATEGORIES), ALBUMS):
            for page in newest_pages(self._settings.state_dir, category)[-1:]:
                teller.line(category, str(page.path))
        teller.line("Prefect's UI", self._state.url("prefect"))
        command = _command()
        teller.line("look around", f"{command} status · report --open · check")
        teller.line("end it", "make down")
        code = ExitCode.SOMETHING if teller.broken else ExitCode.DONE
        if self._shell.json:
            claims: list[Json] = [{"claim": text, "holds": holds} for text, holds in teller.claims]
            took_s = {"seconds": round(teller.seconds, 1), "seconds_for_minio": round(teller.apart_s, 1)}
            self._shell.print_json({"claims": claims, **took_s, "exit_code": int(code)})
        return code

    def _home(self) -> Count:
        places = (*((bucket, prefix) for _, bucket, prefix in CATEGORIES), (ALBUMS, ""))
        found = [compare(self._state, bucket, prefix) for bucket, prefix in places]
        return Count(sum(each.objects[1] for each in found), sum(each.bytes[1] for each in found))

    async def _probe(self, settings: Migration, bucket: str) -> None:
        async with self._shell.context(settings) as context:
            for place, side in places_of(settings).items():
                if place.bucket in {bucket, settings.vault.bucket}:
                    await probe(context, place, side=side)
            await refuse_same_bucket(context, Place("korea", bucket), Place("japan", bucket))

    def _do(self, category: str, stage: Stage, settings: Migration | None = None) -> Done:
        """Do all waves of a category, as the command does."""
        return run_until_stopped(each_wave(self._shell, settings or self._settings, category, "", _work(stage, category)))

    def _told(self, text: str) -> None:
        self._teller.say(text, "dim")


def time_of(teller: Teller) -> str:
    """Return how long the story took, and beside it how long MinIO was built, where it was."""
    built = f"; building MinIO took {duration(teller.apart_s)} more" if teller.apart_s >= BUILT_S_MIN else ""
    return duration(teller.seconds) + built


def _work(stage: Stage, category: str) -> Work:
    async def work(context: Context, wave: str) -> Summary:
        return await stage(context, WaveRequest(category, wave))

    return work


def _small_image(year: str) -> Made:
    """Return the first JPEG of a year that MinIO keeps within the object's metadata: a rotten one of these can't be read at all."""
    wanted = (made for made in korea() if made.key.startswith(f"images/{year}/") and made.key.endswith(".jpg"))
    return next(made for made in wanted if len(made.body) < SMALL_BYTES_MAX)


def _counted(summary: Summary) -> str:
    parts = {**summary.counts, **summary.outcomes}
    return ", ".join(f"{name} {count.objects:,}" for name, count in parts.items() if count.objects)


def wipe(root: Path) -> None:
    """Remove `var/`, if it is one that `hikkoshi local` made. `Refusal` for any other: it may be somebody's."""
    var = root / "var"
    if not var.exists():
        return
    if any(var.iterdir()) and not (var / "local.json").is_file():
        raise Refusal(f"{var} was not made by hikkoshi local; move it away, and start the demo again")
    shutil.rmtree(var)
