"""Claims about listings: every object once, in order, and nothing else."""

from __future__ import annotations

from relocation.ports import Store
from relocation.rules.errors import BucketMissing
from tests.contract.lab import CLAIMS, Lab, refused

lists = CLAIMS.add("listing")
refuses = CLAIMS.add("listing", refusal=True)


async def fill(lab: Lab, *keys: str) -> str:
    """Return a bucket with these keys."""
    bucket = await lab.bucket()
    for key in keys:
        await lab.store.put(bucket, key, b"x")
    return bucket


async def all_pages(store: Store, bucket: str, *, page_keys: int, prefix: str = "", delimiter: str = "") -> list[list[str]]:
    """Return the keys of every page; more than 100 pages never end."""
    pages: list[list[str]] = []
    token = ""
    while len(pages) < 100:
        page = await store.list_objects(bucket, prefix=prefix, token=token, page_keys=page_keys, delimiter=delimiter)
        pages.append([item.key for item in page.items])
        token = page.next_token
        if not token:
            return pages
    raise AssertionError("a listing that does not end")


@lists
async def an_empty_bucket_has_an_empty_listing(lab: Lab) -> None:
    """One page without items and without a token: the listing ended by protocol."""
    bucket = await lab.bucket()
    page = await lab.store.list_objects(bucket)
    assert (page.items, page.next_token) == ((), "")


@lists
async def keys_come_in_byte_order(lab: Lab) -> None:
    """The order is that of UTF-8 bytes, not of any language."""
    keys = ["z", "B", "é", "日本", "a-b", "a0", "a/b/c", "a/b-c"]
    bucket = await fill(lab, *keys)
    assert await lab.keys(bucket) == sorted(keys, key=str.encode)


@lists
async def pages_hold_every_key_exactly_once(lab: Lab) -> None:
    """Small pages one after the other make the whole listing."""
    keys = [f"k{index}" for index in range(7)]
    bucket = await fill(lab, *keys)
    pages = await all_pages(lab.store, bucket, page_keys=2)
    assert [key for page in pages for key in page] == keys


@refuses
async def a_page_never_holds_more_than_was_asked_for(lab: Lab) -> None:
    """`max-keys` is obeyed, and the page says that more follows."""
    bucket = await fill(lab, "a", "b", "c")
    page = await lab.store.list_objects(bucket, page_keys=2)
    assert len(page.items) == 2
    assert page.next_token


@refuses
async def a_prefix_shows_nothing_beside_it(lab: Lab) -> None:
    """A prefix is a prefix of the text: `b/` does not show `b`, `bc` or `a/b/`."""
    bucket = await fill(lab, "a/b/x", "b/1", "b/2", "bc/1", "c")
    assert await lab.keys(bucket, prefix="b/") == ["b/1", "b/2"]


@lists
async def a_prefix_with_odd_characters_is_taken_literally(lab: Lab) -> None:
    """Nothing in a prefix is a pattern or an escape."""
    bucket = await fill(lab, "a+b %41*/x", "aAb/x", "a b A/x")
    assert await lab.keys(bucket, prefix="a+b %41*/") == ["a+b %41*/x"]


@lists
async def a_delimiter_folds_what_lies_below(lab: Lab) -> None:
    """Each folder is one item, without an ETag, in its place among the keys."""
    bucket = await fill(lab, "a", "b/1", "b/2", "c/1", "d")
    page = await lab.store.list_objects(bucket, delimiter="/")
    assert [(item.key, bool(item.etag)) for item in page.items] == [("a", True), ("b/", False), ("c/", False), ("d", True)]


@lists
async def folders_are_paged_like_keys(lab: Lab) -> None:
    """A folder counts as one item of a page and comes once."""
    bucket = await fill(lab, "a/1", "a/2", "b/1", "b/2", "c/1")
    pages = await all_pages(lab.store, bucket, page_keys=1, delimiter="/")
    assert [key for page in pages for key in page] == ["a/", "b/", "c/"]


@lists
async def a_listing_can_start_after_a_key(lab: Lab) -> None:
    """`start-after` is exclusive, and need not be a key."""
    bucket = await fill(lab, "a", "b", "c")
    assert await lab.keys(bucket, start_after="a") == ["b", "c"]
    assert await lab.keys(bucket, start_after="aa") == ["b", "c"]


@refuses
async def what_was_deleted_is_never_listed(lab: Lab) -> None:
    """A key goes out of the listing with its object, at once."""
    bucket = await fill(lab, "a", "b")
    await lab.store.delete(bucket, "a")
    assert await lab.keys(bucket) == ["b"]


@lists
async def what_was_written_is_listed_at_once(lab: Lab) -> None:
    """A key is in the listing as soon as its PUT was answered."""
    bucket = await fill(lab, "a")
    assert await lab.keys(bucket) == ["a"]
    await lab.store.put(bucket, "b", b"x")
    assert await lab.keys(bucket) == ["a", "b"]


@lists
async def a_key_below_another_key_is_listed(lab: Lab) -> None:
    """`foo` and `foo/bar` are two objects, and both are in the listing."""
    bucket = await fill(lab, "foo", "foo/bar")
    assert await lab.keys(bucket) == ["foo", "foo/bar"]


@refuses
async def an_unfinished_upload_is_not_listed_as_an_object(lab: Lab) -> None:
    """Parts are no object."""
    bucket = await lab.bucket()
    upload = await lab.store.create_upload(bucket, "k", checksum=False)
    await lab.store.put_part(bucket, "k", upload, 1, b"part")
    assert await lab.keys(bucket) == []
    await lab.store.abort_upload(bucket, "k", upload)


@refuses
async def a_missing_bucket_is_not_an_empty_one(lab: Lab) -> None:
    """Listing what is not there is an error for objects, versions and uploads alike: an empty inventory would be believed."""
    await refused(lab.store.list_objects("no-such-bucket-here"), BucketMissing)
    await refused(lab.store.list_versions("no-such-bucket-here"), BucketMissing)
    await refused(lab.store.list_uploads("no-such-bucket-here"), BucketMissing)


@lists
async def a_bucket_is_among_the_buckets(lab: Lab) -> None:
    """The listing of buckets names each."""
    first, second = await lab.bucket(), await lab.bucket()
    assert {first, second} <= set(await lab.store.list_buckets())
