"""The signer against AWS's published examples, botocore's S3SigV4Auth, and what it may never show."""

from __future__ import annotations

import calendar
import hashlib
import pickle
import time
from urllib.parse import unquote_to_bytes

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.signer import UNSIGNED_PAYLOAD, Signer, quote_key
from relocation.rules.errors import BadRequest

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = 1369353600.0  # 2013-05-24T00:00:00Z
HOST = ("host", "examplebucket.s3.amazonaws.com")
EMPTY = hashlib.sha256(b"").hexdigest()
WELCOME = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()

PUBLISHED = {
    "GET object": (
        ("GET", "/test.txt", [], [HOST, ("range", "bytes=0-9")], EMPTY),
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ),
    "PUT object": (
        (
            "PUT",
            "/" + quote_key("test$file.text"),
            [],
            [HOST, ("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            WELCOME,
        ),
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ),
    "GET bucket lifecycle": (
        ("GET", "/", [("lifecycle", "")], [HOST], EMPTY),
        "host;x-amz-content-sha256;x-amz-date",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    ),
    "GET bucket (list objects)": (
        ("GET", "/", [("prefix", "J"), ("max-keys", "2")], [HOST], EMPTY),
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ),
}


def build_signer(token: str = "") -> Signer:
    """Make a signer with AWS's example keys."""
    return Signer(ACCESS_KEY, SECRET_KEY, token, "us-east-1")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_examples_are_signed_as_aws_signs_them(name):
    """Each of AWS's four header-based examples for S3 gives the published signature."""
    request, signed_names, signature = PUBLISHED[name]
    _, headers = build_signer().sign(*request, NOW)
    assert dict(headers)["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request, "
        f"SignedHeaders={signed_names}, Signature={signature}"
    )


def botocore_authorization(method, path, *, query, headers, payload_sha256, now, token) -> str:
    """Sign the same request with botocore and return its Authorization."""
    request = AWSRequest(method=method, url=f"https://{HOST[1]}{path}", headers=headers, params=query)
    request.context["timestamp"] = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    auth = S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY, token or None), "s3", "us-east-1")
    auth._modify_request_before_signing(request)
    request.headers.replace_header("X-Amz-Content-SHA256", payload_sha256)
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    names = auth.signed_headers(auth.headers_to_sign(request))
    return f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names}, Signature={signature}"


odd_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
odd_keys = st.one_of(
    odd_text,
    st.lists(
        st.sampled_from(["a", "/", "//", ".", "..", " ", "%2F", "%", "+", "~", "ファイル", "が", "が", "?", "#", "&", "\n", "\0"])
    ).map("".join),
)
header_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
headers_of_objects = st.dictionaries(
    st.text("abcxyz0189-_", min_size=1, max_size=12).map(lambda name: f"x-amz-meta-{name}"), header_values, max_size=5
)


@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from(["GET", "PUT", "HEAD", "POST", "DELETE"]),
    key=odd_keys,
    query=st.dictionaries(odd_text.filter(bool), odd_text, max_size=4),
    headers=headers_of_objects,
    payload=st.sampled_from([EMPTY, WELCOME, UNSIGNED_PAYLOAD]),
    now=st.integers(0, 4_000_000_000),
    token=st.sampled_from(["", "FwoGZXIvYXdzEXAMPLE=="]),
)
def test_odd_keys_and_queries_are_signed_as_botocore_signs_them(  # noqa: PLR0917
    method, key, query, headers, payload, now, token
):
    """Whatever the key, the query, the metadata and the time: our Authorization is botocore's, to the letter."""
    path = "/bucket/" + quote_key(key)
    pairs = [HOST, *headers.items()]
    target, signed = build_signer(token).sign(method, path, list(query.items()), pairs, payload, float(now))
    wanted = botocore_authorization(
        method, path, query=query, headers=dict(pairs), payload_sha256=payload, now=float(now), token=token
    )
    assert dict(signed)["authorization"] == wanted
    assert target.partition("?")[0] == path


@given(key=odd_keys)
def test_a_quoted_key_is_the_same_key_in_visible_ascii(key):
    """Quoting keeps every byte of a key: nothing is normalised, joined or lost, and a slash stays a slash."""
    quoted = quote_key(key)
    assert unquote_to_bytes(quoted) == key.encode()
    assert quoted.count("/") == key.count("/")
    assert all("!" <= character <= "~" and character not in "?#+&" for character in quoted)


@pytest.mark.parametrize("key", ["\ud800", "talk/\udcff.jpg"])
def test_half_a_character_is_refused(key):
    """A key without UTF-8 is refused by name, never replaced by another one."""
    with pytest.raises(BadRequest, match="surrogate") as refused:
        quote_key(key)
    assert refused.value.code == "InvalidKey"
    with pytest.raises(BadRequest):
        build_signer().sign("GET", "/b", [("prefix", key)], [HOST], EMPTY, NOW)


def test_the_query_goes_out_as_it_was_signed():
    """The target holds the query quoted once and sorted by quoted name, repeated names by value."""
    query = [("prefix", "a b/ü+"), ("marker", "2"), ("marker", "1"), ("uploads", "")]
    target, _ = build_signer().sign("GET", "/b", query, [HOST], EMPTY, NOW)
    assert target == "/b?marker=1&marker=2&prefix=a%20b%2F%C3%BC%2B&uploads="


def test_the_key_of_one_day_never_signs_on_another():
    """A signer that works past midnight signs with the new day's key, as a fresh signer does."""
    long_lived = build_signer()
    for now in (NOW, NOW + 86_399, NOW + 86_400, NOW):
        assert long_lived.sign("GET", "/k", [], [HOST], EMPTY, now) == build_signer().sign("GET", "/k", [], [HOST], EMPTY, now)
    assert calendar.timegm(time.strptime("20130524", "%Y%m%d")) == NOW


def test_blanks_are_folded_as_aws_says_and_only_ascii_ones():
    """Sequential blanks of a value count as one in the signature; a byte A0 inside UTF-8 text is no blank."""
    plain = build_signer().sign("GET", "/k", [], [HOST, ("x-amz-meta-a", "b c")], EMPTY, NOW)[1][-1]
    blanks = build_signer().sign("GET", "/k", [], [HOST, ("x-amz-meta-a", " b \t  c ")], EMPTY, NOW)[1][-1]
    other = build_signer().sign("GET", "/k", [], [HOST, ("x-amz-meta-a", "b\xa0 c ")], EMPTY, NOW)[1][-1]
    assert plain == blanks
    assert plain != other


def test_a_header_that_no_wire_can_carry_is_not_signed():
    """A value beyond Latin-1 is refused before anything is sent."""
    with pytest.raises(BadRequest, match="Latin-1"):
        build_signer().sign("PUT", "/k", [], [HOST, ("x-amz-meta-a", "引越し")], EMPTY, NOW)


def test_a_signer_shows_no_secret():
    """No way of printing a signer gives the secret or the token, and it can't be pickled into a task's parameters."""
    signer = build_signer("a-session-token")
    signer.sign("GET", "/k", [], [HOST], EMPTY, NOW)
    for shown in (repr(signer), str(signer), f"{signer}", f"{[signer]!r}"):
        assert SECRET_KEY not in shown
        assert "a-session-token" not in shown
    with pytest.raises(TypeError, match="secret"):
        pickle.dumps(signer)
    assert not hasattr(signer, "__dict__")
