"""The source's listing is held against enumerations that share nothing with it; what it hides is named, what changed is not."""

from __future__ import annotations

import gzip

import pytest

from connectors.memory import MINIO, MemoryStore
from connectors.report.document import as_json
from hikkoshi.exit_codes import ExitCode, code_of
from relocation.rules.errors import Refusal
from relocation.rules.objects import Page
from relocation.settings import Wave
from relocation.stages import second_listing as stage
from relocation.stages.wave import WaveRequest, dry_run, run_wave
from tests.model.world import World

HIDDEN = "hides children of a key"


async def made(folder, *, keys=("a", "b/c", "b/d/e", "foo", "写真/1 +.jpg"), versioned=False, **policy) -> World:
    world = World.made(folder, korea=MINIO)
    world.korea.buckets["talk"].versioning = "Enabled" if versioned else ""
    for key in keys:
        await world.store().put("talk", key, b"x")
    await world.probe()
    choose(world, **policy)
    return world


def choose(world: World, *, waves=None, **policy) -> None:
    one = world.settings.categories["talk"]
    changes = {"policy": one.policy.model_copy(update=policy)} | ({"waves": waves} if waves else {})
    world.settings = world.settings.model_copy(update={"categories": {"talk": one.model_copy(update=changes)}})


def key_file(folder, text, name="keys.txt"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def leave_out(monkeypatch, *left_out: str, call: str = "list_objects") -> None:
    """Make the source's listing leave keys out."""
    real = getattr(MemoryStore, call)

    async def lying(self, *args, **options):
        page = await real(self, *args, **options)
        if self.endpoint != "korea":
            return page
        return Page(tuple(item for item in page.items if item.key not in left_out), page.next_token)

    monkeypatch.setattr(MemoryStore, call, lying)


def found(summary) -> list[tuple[str, int, int, int, int]]:
    return [(each.way, each.hidden, each.unlisted, each.changed, each.absent) for each in summary.second_listing]


async def test_a_key_that_the_store_hides_is_found_through_a_list_of_keys(tmp_path):
    """D25: `foo` hides `foo/bar`. With a list of keys it is named, the run ends with 1, and the unknown is one no more."""
    world = await made(tmp_path, keys=("a", "foo", "foo/bar"))
    choose(world, keys=key_file(tmp_path, "a\nfoo\nfoo/bar\nlong-gone\n"))
    summary = await world.run()
    assert [(named.key, named.reason) for named in summary.hidden] == [
        ("foo/bar", "it is there, and the listing of korea/talk does not show it; found by the list of keys")
    ]
    assert found(summary) == [("keys", 1, 0, 0, 1)]
    assert code_of(summary) == ExitCode.SOMETHING
    assert not [text for text in summary.unknown if HIDDEN in text and "korea" in text]
    assert as_json(summary)["hidden"][0]["key"] == "foo/bar"


async def test_without_a_list_of_keys_the_unknown_stands_in_the_report(tmp_path):
    """D25: what no listing of the store shows can't be known from here, and every report says so."""
    world = await made(tmp_path, keys=("a", "foo", "foo/bar"), second_listing="auto")
    summary = await world.run()
    assert summary.hidden == ()
    assert [text for text in summary.unknown if text.startswith("korea/talk hides children of a key")]
    assert code_of(summary) == ExitCode.DONE


@pytest.mark.parametrize(("way", "versioned"), [("versions", True), ("auto", True), ("auto", False), ("delimiter", True)])
async def test_a_listing_that_is_whole_agrees_with_the_second(tmp_path, way, versioned):
    """S9: both enumerations show the same keys, and the report says which ones were held together."""
    world = await made(tmp_path, second_listing=way, versioned=versioned)
    await world.store().delete("talk", "a")
    summary = await world.run()
    assert found(summary) == [("versions" if versioned and way != "delimiter" else "delimiter", 0, 0, 0, 0)]
    assert (summary.second_listing[0].first, summary.second_listing[0].second) == (4, 4)
    assert code_of(summary) == ExitCode.DONE


@pytest.mark.parametrize("versioned", [True, False], ids=["versions", "delimiter"])
async def test_a_page_that_is_missing_from_the_listing_is_found_by_the_second(tmp_path, monkeypatch, versioned):
    """S8: a listing that leaves keys out and ends by protocol looks whole; the second enumeration names what is there."""
    world = await made(tmp_path, second_listing="auto", versioned=versioned)
    real = MemoryStore.list_objects

    async def lying(self, *args, delimiter="", **options):
        page = await real(self, *args, delimiter=delimiter, **options)
        shown = tuple(item for item in page.items if delimiter or item.key not in {"b/c", "b/d/e"} or self.endpoint != "korea")
        return Page(shown, page.next_token)

    monkeypatch.setattr(MemoryStore, "list_objects", lying)
    summary = await world.run()
    assert [named.key for named in summary.hidden] == ["b/c", "b/d/e"]
    assert summary.second_listing[0].hidden == 2
    assert code_of(summary) == ExitCode.SOMETHING


async def test_what_the_second_misses_is_counted_and_moves_all_the_same(tmp_path, monkeypatch):
    """S9: a difference in the other direction hides nothing from us: it is said, and is no refusal."""
    world = await made(tmp_path, second_listing="versions", versioned=True)
    leave_out(monkeypatch, "foo", call="list_versions")
    summary = await world.run()
    assert found(summary) == [("versions", 0, 1, 0, 0)]
    assert not summary.second_listing[0].same
    assert "foo" in world.bodies("japan")
    assert code_of(summary) == ExitCode.DONE


@pytest.mark.parametrize("way", ["delimiter", "versions"])
async def test_what_a_live_writer_does_between_the_listings_is_no_finding(tmp_path, way):
    """S9: keys that come, go and change between both enumerations are counted as that, and nobody is alarmed."""
    world = await made(tmp_path, second_listing=way, versioned=way == "versions")
    listed = 0

    async def before(call):
        nonlocal listed
        if call.action == "s3:ListBucket" and call.role == "reader" and call.bucket == "talk":
            listed += 1
            if listed == 1:  # the target's, which comes after the source's
                world.japan.before = None
                await world.store().delete("talk", "a")
                await world.store().put("talk", "new", b"x")
                await world.store().put("talk", "b/c", b"longer")

    world.japan.before = before
    summary = await world.run()
    assert found(summary) == [(way, 0, 0, 2, 0)]
    assert summary.hidden == ()


async def test_waves_by_size_are_compared_by_what_the_object_is_now(tmp_path):
    """S9: an object that grew out of a wave between two listings is another wave's, and not hidden from this one."""
    large = Wave.model_validate({"name": "large", "size": {"start": 100}})
    world = await made(tmp_path, second_listing="delimiter", waves=(large, Wave(name="all")))
    grew = []

    async def before(call):
        if call.action == "s3:ListBucket" and not grew:
            grew.append(call)
            await world.store().put("talk", "a", b"x" * 200)
            await world.store().put("talk", "b/c", b"x")

    world.japan.before = before
    assert found(await world.run()) == [("delimiter", 0, 0, 1, 0)]


async def test_an_inventory_file_names_buckets_and_encoded_keys(tmp_path):
    """D25: an S3 Inventory is a list of keys: quoted, encoded, compressed, of several buckets; only ours are asked for."""
    ours = ("foo%2Fbar", "%E5%86%99%E7%9C%9F/1+%2B.jpg", "a", "a", "foo")
    rows = '"other","elsewhere","9"\n' + "".join(f'"talk","{key}","12"\n' for key in ours)
    world = await made(tmp_path, keys=("a", "foo", "foo/bar", "写真/1 +.jpg", "b"))
    choose(world, keys=key_file(tmp_path, gzip.compress(rows.encode()), "inventory.csv.gz"))
    summary = await world.run()
    assert [named.key for named in summary.hidden] == ["foo/bar"]
    assert found(summary) == [("keys", 1, 1, 0, 0)]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("keys.txt", "elsewhere/a\n", r"names no key of korea/talk/below/.*whole keys are wanted \(`below/…`\)"),
        ("keys.csv", '"talk"\n', "line 1 has no bucket and key"),
        ("keys.csv", '"other","below/a"\n', r"names no key of korea/talk/below/.*`talk,below/…`"),
        ("keys.txt", b"below/a\n%ff\n", "line 2 is not UTF-8"),
        ("keys.txt", "below/" + "a" * 1024, "line 1 is 1030 bytes long"),
        ("keys.csv.gz", b"no gzip", "can't be read"),
        ("gone.txt", None, "can't be read"),
    ],
)
async def test_a_list_that_is_none_is_refused(tmp_path, name, text, words):
    """D25: a list that is not understood, or is about other keys, must not pass for one that was held against the source."""
    path = tmp_path / name if text is None else key_file(tmp_path, text, name)
    world = await made(tmp_path, keys=("below/a",))
    one = world.settings.categories["talk"]
    move = one.moves[0].model_copy(update={"source": one.moves[0].source.model_copy(update={"prefix": "below/"})})
    changed = one.model_copy(update={"moves": (move,), "policy": one.policy.model_copy(update={"keys": path})})
    world.settings = world.settings.model_copy(update={"categories": {"talk": changed}})
    with pytest.raises(Refusal, match=words):
        await world.run()


async def test_all_versions_are_held_against_a_walk_by_folders(tmp_path):
    """S9: where the versions listing is the first, the second is another one; what was deleted is in neither."""
    world = await made(tmp_path, versioned=True, versions="all", second_listing="auto")
    await world.store().delete("talk", "a")
    summary = await world.run()
    assert found(summary) == [("delimiter", 0, 0, 0, 0)]
    assert summary.second_listing[0].first == 4


async def test_a_finding_outlives_the_process_that_made_it(tmp_path):
    """D25: what was found stands in the evidence beside the plan: whoever goes on with the run reports it too."""
    world = await made(tmp_path, keys=("a", "foo", "foo/bar"))
    choose(world, keys=key_file(tmp_path, "foo/bar\n"))
    async with world.context() as context:
        await run_wave(context, WaveRequest("talk", "all", until="plan"))
    choose(world, keys=None)
    assert [named.key for named in (await world.run()).hidden] == ["foo/bar"]


async def test_without_asking_again_what_a_writer_brought_would_be_called_hidden(tmp_path, monkeypatch):
    """Negative control (S9): it is the second question that keeps a live source from crying wolf."""

    async def never(*_):
        return None

    monkeypatch.setattr(stage, "listed_as", never)
    with pytest.raises(AssertionError):
        await test_what_a_live_writer_does_between_the_listings_is_no_finding(tmp_path, "delimiter")


@pytest.mark.parametrize(("age_s", "hidden", "changed"), [(3600, ["foo"], 0), (60, [], 1)], ids=["old", "young"])
async def test_a_key_that_the_versions_listing_leaves_out_is_found_where_all_versions_are_moved(
    tmp_path, monkeypatch, age_s, hidden, changed
):
    """S9: there the versions listing is the first one, and one that walks a tree and marks its place by bytes loses `a-b` behind
    `a/`; the listing of objects names what is there. What may have come since the run began is no finding."""
    world = await made(tmp_path, versioned=True, versions="all")
    world.japan.buckets["talk"].versioning = "Enabled"
    await world.probe()
    world.clock.seconds += age_s
    leave_out(monkeypatch, "foo", call="list_versions")
    summary = await world.run()
    assert [named.key for named in summary.hidden] == hidden
    assert found(summary) == [("objects", len(hidden), 0, changed, 0)]
    assert code_of(summary) == (ExitCode.SOMETHING if hidden else ExitCode.DONE)


async def test_where_all_versions_are_moved_both_listings_agree(tmp_path):
    """A key whose latest version is a delete marker is in neither."""
    world = await made(tmp_path, versioned=True, versions="all")
    world.japan.buckets["talk"].versioning = "Enabled"
    await world.probe()
    await world.store().delete("talk", "a")
    async with world.context() as context:
        summary = await dry_run(context, WaveRequest("talk", "all"))
    assert found(summary) == [("objects", 0, 0, 0, 0)]
    assert (summary.second_listing[0].first, summary.second_listing[0].second) == (4, 4)
