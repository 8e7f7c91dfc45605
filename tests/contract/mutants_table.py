"""For each claim the broken store on which it must go red. A claim without one fails the build."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from urllib.parse import unquote

from connectors.memory.service import Care
from relocation.rules.errors import BadRequest, Forbidden, NotFound
from relocation.rules.objects import Page
from tests.contract import broken
from tests.contract.mutants import Mutant, deaf, forgiving, liar, renaming, rule, script

IGNORES_CHECKSUMS = script("drops checksums", checksum="ignored")
VERIFIES_NOTHING = script("stores checksums unverified", checksum="unverified")
OVERWRITES = script("ignores If-None-Match", if_none_match="ignored")
WRITES_OVER = script("ignores If-Match on writes", if_match_on_write="ignored")
READS_ON = script("ignores If-Match on reads", if_match="ignored")
FORGETS_BUCKETS = rule("calls a missing bucket a missing key", _bucket=broken.no_such_key)
LOSES_METADATA = rule("loses metadata", _kept=broken.loses(metadata=()))
LOSES_TAGS = rule("loses tags", _kept=broken.loses(tags=()))
OVERWRITES_VERSIONS = rule("keeps no old versions", _keep=broken.keeps_no_versions)

FORGETS_LOCKS = rule("forgets locks", _care=lambda self, original, *args, **kwargs: Care())

MUTANTS: dict[str, Mutant] = {
    # care
    "an_object_is_its_owners_alone": liar(
        "grants to everybody", "get_acl", lambda acl: replace(acl, grants=(*acl.grants, ("group:AllUsers", "READ")))
    ),
    "a_hold_and_a_retention_show_in_head": FORGETS_LOCKS,
    "a_retention_in_the_past_is_refused": FORGETS_LOCKS,
    # keys
    "keys_in_japanese_and_korean": renaming("keeps ASCII", lambda key: key.encode("ascii", "replace").decode()),
    "keys_with_emoji": renaming("keeps the basic plane", lambda key: "".join(c if ord(c) < 0x10000 else "?" for c in key)),
    "nfc_beside_nfd": renaming("normalises", lambda key: unicodedata.normalize("NFC", key)),
    "upper_beside_lower_case": renaming("folds case", str.lower),
    "keys_with_plus_and_blank": renaming("takes + for a blank", lambda key: key.replace("+", " ")),
    "keys_with_percent_signs": renaming("decodes once more", unquote),
    "keys_with_characters_of_urls": renaming("cuts at ?", lambda key: key.partition("?")[0] or key),
    "keys_with_characters_of_xml": renaming("resolves &amp;", lambda key: key.replace("&amp;", "&")),
    "keys_with_backslash_and_pattern_characters": renaming("turns backslashes", lambda key: key.replace("\\", "/")),
    "keys_with_blanks_at_the_ends": renaming("strips", str.strip),
    "keys_with_control_characters": renaming("drops control characters", lambda key: "".join(c for c in key if c >= " ")),
    "keys_with_line_breaks": renaming("drops line breaks", lambda key: key.replace("\n", "").replace("\r", "")),
    "keys_that_look_like_folders": renaming("drops the last slash", lambda key: key.rstrip("/")),
    "a_key_with_a_leading_slash": script("drops the first slash", renames_leading_slash=True),
    "a_key_with_two_slashes_in_a_row": script("merges slashes", merges_slashes=True),
    "a_key_with_a_dot_as_a_part": renaming("resolves .", lambda key: key.replace("/./", "/")),
    "a_key_with_two_dots_as_a_part": script("refuses ..", refuses_names=True),
    "a_key_that_ends_in_a_word_of_minio": script("renames __XLDIR__", renames_xldir=True),
    "a_key_with_a_part_of_300_bytes": script("refuses long parts", refuses_names=True),
    "a_key_of_1024_bytes": rule("takes 1,023 bytes", _stored_name=broken.short_names(1023)),
    "a_key_of_341_japanese_characters": rule("takes 1,000 bytes", _stored_name=broken.short_names(1000)),
    "a_key_of_1025_bytes_is_refused": rule("cuts keys", _stored_name=broken.any_name),
    "half_a_character_is_refused": rule("replaces half characters", _stored_name=broken.any_name),
    "an_object_without_a_key_is_refused": rule("takes no key for one", _stored_name=broken.any_name),
    "a_key_is_not_found_under_a_similar_name": rule("finds in any case", _find=broken.any_case),
    # listing
    "an_empty_bucket_has_an_empty_listing": liar("never ends", "list_objects", lambda page: replace(page, next_token="more")),
    "keys_come_in_byte_order": liar("lists broken.backwards", "list_objects", broken.backwards),
    "pages_hold_every_key_exactly_once": rule("repeats a key on the next page", list_objects=broken.list_once_more),
    "a_page_never_holds_more_than_was_asked_for": deaf("ignores max-keys", "list_objects", page_keys=1000),
    "a_prefix_shows_nothing_beside_it": rule("ignores the last slash of a prefix", list_objects=broken.list_by_words_stripped),
    "a_prefix_with_odd_characters_is_taken_literally": rule("decodes prefixes twice", list_objects=broken.list_by_words),
    "a_delimiter_folds_what_lies_below": deaf("ignores the delimiter", "list_objects", delimiter=""),
    "folders_are_paged_like_keys": rule("repeats folders", list_objects=broken.list_all_the_folders),
    "a_listing_can_start_after_a_key": deaf("ignores start-after", "list_objects", start_after=""),
    "what_was_deleted_is_never_listed": rule("lists what was deleted", list_objects=broken.list_deleted),
    "what_was_written_is_listed_at_once": rule("lists from a cache", list_objects=broken.list_stale),
    "a_key_below_another_key_is_listed": script("hides children", hides_children=True),
    "an_unfinished_upload_is_not_listed_as_an_object": rule("shows parts as objects", put_part=broken.put_part_under_the_key),
    "a_missing_bucket_is_not_an_empty_one": rule("lists nothing where nothing is", list_objects=broken.list_nothing),
    "a_bucket_is_among_the_buckets": liar("names one bucket", "list_buckets", lambda names: names[:1]),
    # reading
    "bytes_come_back_as_they_were_put": rule("flips a bit", get=broken.changed_bytes(lambda body: body[:-1] + b"\0")),
    "a_large_object_comes_back_whole": rule("cuts at 4 MiB", get=broken.changed_bytes(lambda body: body[: 4 << 20])),
    "an_empty_object_is_an_object": rule("lists no empty objects", list_objects=broken.not_listed(lambda key: key == "k")),
    "head_and_get_say_the_same": liar("HEAD says another size", "head", lambda head: head._replace(size=head.size + 1)),
    "a_listing_and_a_head_say_the_same": liar("lists another ETag", "list_objects", lambda page: broken.items(page, etag="0" * 32)),
    "a_read_with_the_right_if_match_is_served": rule("refuses every If-Match", _check_read=broken.refuses_if_match),
    "a_get_with_a_wrong_if_match_is_refused": READS_ON,
    "a_head_with_a_wrong_if_match_is_refused": deaf("HEAD ignores If-Match", "head", if_match=""),
    "a_range_is_read_exactly": rule("leaves the last byte out", get=broken.get_by_exclusive_end),
    "a_range_is_cut_at_the_end_of_the_object": rule("refuses ranges that end outside", get=broken.get_past_ranges),
    "a_range_behind_the_end_is_refused": forgiving("answers nothing", "get", BadRequest, answer=broken.NOTHING),
    "a_range_never_carries_the_checksum_of_the_whole": rule("sends it always", _head=broken.sum_of_the_whole),
    "a_body_longer_than_the_room_is_refused": rule("cuts to the room", get=broken.get_fills_up),
    "what_is_not_there_is_not_found": rule("calls everything deleted", _find=broken.always_deleted),
    "reading_from_a_missing_bucket_names_the_bucket": FORGETS_BUCKETS,
    "a_head_in_a_missing_bucket_names_the_bucket": FORGETS_BUCKETS,
    "the_stored_checksum_comes_back": IGNORES_CHECKSUMS,
    "compressed_bytes_are_not_unpacked": rule("unpacks", get=broken.changed_bytes(lambda body: b"hello " * 50)),
    "the_store_tells_its_time": script("is an hour late", clock_skew_s=-3600.0),
    # uploads
    "parts_become_one_object": rule("joins parts as they came", complete_upload=broken.complete_in_order_of_arrival),
    "the_etag_of_an_upload_tells_its_layout": script("opaque ETags", etag="opaque"),
    "an_upload_may_have_one_part": script("opaque ETags", etag="opaque"),
    "a_head_of_part_one_tells_the_layout": rule("does not count parts", _head=broken.layout_of_one),
    "a_part_is_read_alone": script("ignores partNumber", part_number="ignored"),
    "part_one_of_a_whole_put_is_the_object": rule("knows only uploaded parts", _part=broken.only_multipart_parts),
    "a_part_behind_the_last_is_refused": rule("answers with the whole", _part=broken.whole_for_part, _head=broken.head_of_whole),
    "a_part_never_carries_the_checksum_of_the_whole": rule("sends it always", _head=broken.sum_of_the_whole),
    "an_upload_keeps_the_checksum_of_the_whole": IGNORES_CHECKSUMS,
    "a_part_answers_the_checksum_that_was_sent": IGNORES_CHECKSUMS,
    "a_part_with_a_wrong_checksum_is_refused": VERIFIES_NOTHING,
    "a_completion_with_a_wrong_checksum_is_refused": VERIFIES_NOTHING,
    "a_completion_with_a_wrong_part_is_refused": rule("leaves wrong parts out", complete_upload=broken.complete_the_known),
    "a_completion_with_a_part_that_never_came_is_refused": rule("leaves them out", complete_upload=broken.complete_the_known),
    "a_completion_without_parts_is_refused": rule("makes an empty object", complete_upload=broken.complete_an_empty_one),
    "parts_out_of_order_are_refused": rule("sorts parts", complete_upload=broken.complete_in_any_order),
    "a_small_part_before_the_last_is_refused": rule("takes any parts", _check_parts=broken.anything_goes),
    "a_completion_with_if_none_match_never_overwrites": OVERWRITES,
    "a_completion_with_a_wrong_if_match_is_refused": WRITES_OVER,
    "an_upload_leaves_the_old_object_until_it_is_complete": rule("shows parts as objects", put_part=broken.put_part_under_the_key),
    "an_aborted_upload_leaves_nothing": rule("does not abort", abort_upload=broken.abort_forgets_nothing),
    "an_unknown_upload_is_not_found": forgiving("lists no parts of it", "list_parts", NotFound, answer=()),
    "aborting_an_unknown_upload_is_refused": script("forgives", forgives_unknown_aborts=True),
    "a_part_without_the_agreed_checksum_is_refused": rule("takes it", _check_agreed=broken.anything_goes),
    "an_upload_belongs_to_its_key": rule("takes parts under any key", _upload=broken.ids_without_keys),
    "an_upload_into_a_missing_bucket_is_refused": rule("makes the bucket", create_upload=broken.put_makes_buckets),
    "a_listed_part_never_carries_a_wrong_checksum": liar("lists wrong checksums", "list_parts", broken.wrong_checksums),
    "a_part_may_come_in_blocks": rule("turns the last block over", put_part=broken.last_block_turned),
    "a_put_in_blocks_is_one_object": rule("turns the last block over", put=broken.last_block_turned),
    "a_put_that_breaks_off_writes_nothing": rule("keeps what came", put=broken.keeps_what_came),
    "uploaded_parts_are_listed": rule("keeps the first try", put_part=broken.put_part_once),
    "unfinished_uploads_are_listed": liar("lists no uploads", "list_uploads", lambda page: Page(())),
    "unfinished_uploads_are_listed_by_prefix": script("by whole key", lists_uploads_by_whole_key=True),
    "an_upload_carries_its_attributes": LOSES_TAGS,
    # versions
    "a_deleted_object_is_gone": rule("deletes nothing", delete=broken.delete_takes_nothing),
    "deleting_what_is_not_there_is_no_error": rule("must find what it deletes", delete=broken.delete_must_find),
    "a_delete_with_a_wrong_if_match_is_refused": script("ignores it", if_match_on_delete="ignored"),
    "a_delete_with_the_right_if_match_is_done": deaf("refuses every If-Match", "delete", if_match="x"),
    "a_bucket_says_whether_it_keeps_versions": liar("always says it does", "get_versioning", lambda _: "Enabled"),
    "an_overwritten_version_can_be_read": OVERWRITES_VERSIONS,
    "versions_are_listed_newest_first": liar("lists broken.backwards", "list_versions", broken.backwards),
    "pages_of_versions_hold_every_version_once": deaf("begins anew on every page", "list_versions", token=""),
    "versions_can_be_listed_from_behind_a_key": deaf("ignores key-marker", "list_versions", start_after=""),
    "a_delimiter_folds_versions_and_markers_that_lie_below": deaf("ignores the delimiter", "list_versions", delimiter=""),
    "versions_are_listed_by_prefix": deaf("ignores the prefix", "list_versions", prefix=""),
    "a_delete_lays_a_marker": rule("takes all versions", delete=broken.delete_takes_all),
    "deleted_is_told_from_never_there": rule("shows no markers", _find=broken.never_deleted),
    "taking_a_marker_away_brings_the_object_back": deaf("ignores versionId", "delete", version_id=""),
    "a_delete_by_version_takes_nothing_else": rule("takes all versions", _erase=broken.erase_all),
    "a_version_that_is_not_there_is_not_found": rule("answers with the newest", _find=broken.latest_answers),
    "a_version_of_one_key_is_not_found_under_another": rule("answers with the newest", _find=broken.latest_answers),
    "what_was_there_before_versioning_is_version_null": OVERWRITES_VERSIONS,
    "erasing_version_null_leaves_what_came_later": rule("takes all versions", _erase=broken.erase_all),
    "tags_belong_to_a_version": rule("tags the newest", _find=broken.new_tags_touch),
    "a_bucket_says_whether_it_has_object_lock": liar("always says it has", "get_object_lock", lambda _: True),
    "a_retained_version_can_not_be_deleted": script("enforces no retention", object_lock="ignored"),
    "a_marker_hides_a_retained_version_and_loses_nothing": rule("takes all versions", delete=broken.delete_takes_all),
    "evidence_is_written_once": OVERWRITES,
    "retention_without_object_lock_is_refused": deaf("drops the retention", "put", retain_until=""),
    "two_writers_with_if_none_match_make_one_object": rule("looks, then writes", put=broken.put_in_two_steps),
    # writing
    "a_put_answers_the_etag_that_head_shows": liar("answers another", "put", lambda written: written._replace(etag="0" * 32)),
    "the_etag_of_a_whole_put_is_its_md5": script("opaque ETags", etag="opaque"),
    "a_put_answers_the_checksum_that_was_sent": IGNORES_CHECKSUMS,
    "a_put_with_a_wrong_checksum_is_refused": VERIFIES_NOTHING,
    "a_wrong_checksum_leaves_what_stood_there": rule("stores first", put=broken.put_then_check),
    "if_none_match_writes_where_nothing_is": rule("refuses every If-None-Match", _check_write=broken.refuses_if_none_match),
    "if_none_match_never_overwrites": OVERWRITES,
    "if_match_replaces_what_it_names": deaf("refuses every If-Match", "put", if_match="x"),
    "a_put_with_a_wrong_if_match_is_refused": WRITES_OVER,
    "a_put_with_if_match_where_nothing_is_is_refused": WRITES_OVER,
    "an_overwrite_leaves_nothing_of_the_old_object": rule("keeps old metadata", _keep=broken.keeps_old_metadata),
    "system_headers_are_kept": script("loses Expires", loses_headers=("expires",)),
    "a_website_redirect_is_kept": script("loses it", loses_headers=("x-amz-website-redirect-location",)),
    "user_metadata_is_kept": LOSES_METADATA,
    "empty_user_metadata_is_kept": liar(
        "drops empty values",
        "head",
        lambda head: broken.attributes(head, metadata=tuple(pair for pair in head.attributes.metadata if pair[1])),
    ),
    "user_metadata_in_utf8_is_kept_byte_for_byte": script("encodes it", encodes_metadata=True),
    "metadata_with_a_line_break_is_refused": rule("takes it", _kept=broken.keeps_line_breaks),
    "too_much_metadata_is_refused": script("takes 64 KiB", metadata_bytes_max=64 * 1024),
    "tags_are_kept": LOSES_TAGS,
    "tags_in_japanese_are_kept": script("takes ASCII", ascii_tags=True),
    "new_tags_replace_the_old_ones": rule("joins tags", put_tags=broken.tags_join),
    "new_tags_change_neither_etag_nor_time": rule("rewrites the object", put_tags=broken.tags_rewrite),
    "eleven_tags_are_refused": rule("takes any tags", _check_tags=broken.anything_goes),
    "tags_of_what_is_not_there_are_not_found": forgiving("has no tags of it", "get_tags", NotFound, answer=()),
    "writing_into_a_missing_bucket_is_refused": rule("makes the bucket", put=broken.put_makes_buckets),
    "a_role_that_may_not_write_is_refused_by_name": rule("names nothing", _check_rights=broken.nameless(Forbidden)),
    "a_role_that_may_not_delete_is_refused": rule("looks at no rights", _check_rights=broken.anything_goes),
    "a_wrong_secret_is_refused_as_such": rule("looks at no signature", _check_rights=broken.anything_goes),
    "an_unknown_access_key_is_refused_as_such": rule("looks at no signature", _check_rights=broken.anything_goes),
}
