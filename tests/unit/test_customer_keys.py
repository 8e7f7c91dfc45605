"""A customer's key (SSE-C, D10): where it is named, which requests carry it, and that it shows nowhere."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from connectors.configuration import read
from connectors.configuration.reader import check_credentials
from connectors.credentials import customer_key
from connectors.s3.customer_key import CustomerKey
from connectors.s3.store import S3Store
from connectors.signer import Signer
from connectors.stores import S3Stores
from relocation.rules.errors import BadRequest, ConfigurationError, CustomerKeyNeeded, CustomerKeyWrong, Forbidden, Refusal
from relocation.rules.objects import Part
from tests.unit.settings_cases import RIGHT, problems_of, read_from, spoiled, write
from tests.unit.test_s3_answers import FixedClock, PlayedWire, answer, error

KEY = base64.b64encode(b"k" * 32).decode()
PLACE = "categories.talk-images.policy.customer_keys"
TLS = {"endpoints.korea.url": "https://127.0.0.1:9100", "endpoints.japan.url": "https://127.0.0.1:9200"}
HEADERS = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": KEY,
    "x-amz-server-side-encryption-customer-key-md5": base64.b64encode(hashlib.md5(b"k" * 32).digest()).decode(),
}
DATE = "Wed, 12 Feb 2025 20:18:48 GMT"
NEEDED = (
    b"<Error><Code>InvalidRequest</Code><Message>The object was stored using a form of Server Side Encryption. The correct "
    b"parameters must be provided to retrieve the object.</Message></Error>"
)


def ok(body: bytes = b"", **headers: str):
    return answer(200, body, etag='"e"', last_modified=DATE, content_length=str(len(body)), **headers)


def store_over(*answers) -> tuple[S3Store, PlayedWire]:
    wire = PlayedWire(list(answers))
    made = S3Store("korea", "reader", wire, Signer("a", "s", "", "r"), FixedClock(), customer_key=CustomerKey(_secret()))
    return made, wire


def _secret():
    return customer_key("env:N", base=Path(), environ={"N_CUSTOMER_KEY": KEY})


UPLOAD = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
DONE = b"<CompleteMultipartUploadResult><ETag>e-1</ETag></CompleteMultipartUploadResult>"
PARTS = b"<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"
LISTING = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
TAGS = b"<Tagging><TagSet/></Tagging>"
CARRY = [
    (ok(b"x"), lambda store: store.get("b", "k", memoryview(bytearray(1)))),
    (ok(), lambda store: store.head("b", "k")),
    (ok(), lambda store: store.head("b", "k", version_id="v")),
    (ok(), lambda store: store.put("b", "k", b"x")),
    (ok(UPLOAD), lambda store: store.create_upload("b", "k")),
    (ok(), lambda store: store.put_part("b", "k", "u", 1, b"x")),
    (ok(PARTS), lambda store: store.list_parts("b", "k", "u")),
    (ok(DONE), lambda store: store.complete_upload("b", "k", "u", [Part(1, "e")])),
]
NOT = [
    (ok(LISTING), lambda store: store.list_objects("b")),
    (ok(TAGS), lambda store: store.get_tags("b", "k")),
    (answer(204), lambda store: store.delete("b", "k")),
    (answer(204), lambda store: store.abort_upload("b", "k", "u")),
]


@pytest.mark.parametrize(("played", "call"), CARRY)
async def test_what_reads_or_writes_an_object_carries_the_key_signed(played, call):
    """D10: the three headers, each signed, in every request that S3 wants them in."""
    store, wire = store_over(played)
    await call(store)
    (_, _, sent) = wire.asked[0]
    assert {name: sent[name] for name in HEADERS} == HEADERS
    assert ";".join(sorted(HEADERS)) in sent["authorization"]


@pytest.mark.parametrize(("played", "call"), NOT)
async def test_what_has_no_use_for_the_key_does_not_carry_it(played, call):
    """D10: the key goes no further than it must."""
    store, wire = store_over(played)
    await call(store)
    assert HEADERS.keys().isdisjoint(wire.asked[0][2])


async def test_what_the_key_does_not_encrypt_is_read_without_it_once():
    """D10: AWS answers a HEAD with a bare 400 then. What is refused without the key too needs another one."""
    store, wire = store_over(answer(400), ok())
    assert (await store.head("b", "k")).etag == "e"
    assert [HEADERS.keys() <= sent.keys() for _, _, sent in wire.asked] == [True, False]
    for needed in (answer(400), answer(400, NEEDED)):
        store, _ = store_over(answer(400), needed)
        with pytest.raises(CustomerKeyWrong, match="another customer's key"):
            await store.head("b", "k")


async def test_a_wrong_key_is_told_from_a_missing_right():
    """D10: both are a 403; who may not read the object may not without the key either."""
    store, wire = store_over(error(403, "AccessDenied"), answer(400, NEEDED))
    with pytest.raises(CustomerKeyWrong):
        await store.get("b", "k", memoryview(bytearray(1)))
    assert [method for method, _, _ in wire.asked] == ["GET", "HEAD"]
    store, _ = store_over(error(403, "AccessDenied"), error(403, "AccessDenied"))
    with pytest.raises(Forbidden):
        await store.get("b", "k", memoryview(bytearray(1)))


async def test_a_write_is_never_sent_again_without_its_key():
    """D10: a refusal stands; nothing goes out unencrypted."""
    store, wire = store_over(error(400, "InvalidRequest"))
    with pytest.raises(BadRequest):
        await store.put("b", "k", b"x")
    assert len(wire.asked) == 1


async def test_without_a_key_the_refusal_says_what_is_missing():
    """D10: by the store's words, in a body or, from MinIO's HEAD, in a header."""
    words = '"The object was stored using a form of Server Side Encryption. The correct parameters …"'
    for played in (answer(400, NEEDED), answer(400, x_minio_error_code="InvalidRequest", x_minio_error_desc=words)):
        wire = PlayedWire([played])
        store = S3Store("korea", "reader", wire, Signer("a", "s", "", "r"), FixedClock())
        with pytest.raises(CustomerKeyNeeded, match=r"policy\.customer_keys"):
            await store.head("b", "k")


async def test_a_key_that_a_key_service_does_not_know_is_no_missing_object():
    """D9: MinIO passes its key service's 404 on; it is about a key, and never means that the object is gone."""
    wire = PlayedWire([error(404, "kms:KeyNotFound")])
    store = S3Store("korea", "reader", wire, Signer("a", "s", "", "r"), FixedClock())
    with pytest.raises(BadRequest, match="the key that encrypts it can't be used"):
        await store.get("b", "k", memoryview(bytearray(1)))


async def test_a_key_shows_in_no_message_and_no_repr():
    """D10, I8: neither the key's text nor its bytes."""
    store, _ = store_over(error(403, "AccessDenied"), answer(400, NEEDED))
    with pytest.raises(CustomerKeyWrong) as caught:
        await store.head("b", "k")
    shown = f"{caught.value}{caught.value!r}{caught.value.__cause__}{store!r}{vars(store)}{CustomerKey(_secret())!r}{_secret()}"
    assert KEY not in shown
    assert "kkkkkkkk" not in shown


def test_a_reference_leads_to_a_variable_or_a_line_of_a_profile(tmp_path):
    """D10: NAME_CUSTOMER_KEY, or `customer_key` beside a profile's other keys, in a file that its owner alone may read."""
    file = tmp_path / "keys"
    file.write_text(f"[talk]\ncustomer_key = {KEY}\n")
    file.chmod(0o600)
    assert customer_key("file:keys#talk", base=tmp_path, environ={}) == _secret()
    assert customer_key("profile:talk", base=Path(), environ={"AWS_SHARED_CREDENTIALS_FILE": str(file)}) == _secret()
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="may be read by others"):
        customer_key("file:keys#talk", base=tmp_path, environ={})


@pytest.mark.parametrize("text", ["", "no key at all", base64.b64encode(b"k" * 31).decode(), "k" * 32])
def test_what_is_no_key_is_refused_unquoted(text):
    """D10: 32 bytes in base64; a message quotes nothing of what stands there."""
    with pytest.raises(ConfigurationError, match="N_CUSTOMER_KEY is") as caught:
        customer_key("env:N", base=Path(), environ={"N_CUSTOMER_KEY": text})
    assert not text or text not in str(caught.value)


def test_a_customers_key_over_plain_http_is_refused_by_name(tmp_path):
    """D10: `hikkoshi check` says so, and every command with it: the key would travel in clear, and no store takes it."""
    policy = {"categories.talk-images.policy": {"customer_keys": {"source": "env:K", "target": "env:J"}}}
    assert problems_of(tmp_path, spoiled(policy)) == [
        f"{PLACE}.source: a customer's key travels with each request, and endpoints.korea.url is plain http; an https address",
        f"{PLACE}.target: a customer's key travels with each request, and endpoints.japan.url is plain http; an https address",
    ]
    assert read_from(tmp_path, spoiled({**policy, **TLS})).categories["talk-images"].policy.customer_keys.source == "env:K"


def test_a_store_refuses_a_customers_key_over_plain_http(tmp_path):
    """D10: the second lock, where the key would be sent."""
    file = write(tmp_path, RIGHT)
    with pytest.raises(Refusal, match="over TLS only"):
        S3Stores(read(file, {}), {"KOREA_ACCESS_KEY": "a", "KOREA_SECRET_KEY": "s"}, FixedClock()).of(
            "korea", "reader", customer_key="env:N"
        )


def test_the_ways_in_which_it_can_be_named_wrong(tmp_path):
    """D10: two encryptions at once, a key in the place of its reference (never quoted), a name that does not exist."""
    both = {"categories.talk-images.policy": {"customer_keys": {"target": "env:J"}, "sse": {"type": "s3"}}, **TLS}
    (problem,) = problems_of(tmp_path, spoiled(both))
    assert "both `sse` and `customer_keys.target`" in problem
    (problem,) = problems_of(tmp_path, spoiled({"categories.talk-images.policy": {"customer_keys": {"source": KEY}}, **TLS}))
    assert problem.startswith(f"{PLACE}.source: is no reference")
    assert KEY not in problem
    (problem,) = problems_of(tmp_path, spoiled({"categories.talk-images.policy": {"customer_keys": {"sorce": "env:K"}}, **TLS}))
    assert "did you mean `source`" in problem


def test_a_reference_that_leads_nowhere_is_named_before_anything_starts(tmp_path):
    """D10: with the other credentials, by `hikkoshi check` and at the start of each command."""
    changes = {"categories.talk-images.policy": {"customer_keys": {"source": "env:K"}}, **TLS}
    problems = check_credentials(read(write(tmp_path, spoiled(changes)), {}), {})
    assert any(problem.startswith(f"{PLACE}.source: K_CUSTOMER_KEY is not set") for problem in problems)


def test_another_reference_is_the_same_configuration_another_side_is_not(tmp_path):
    """D10: where a key lies decides no action; that there is one does."""
    shas = [
        read(write(tmp_path, spoiled({"categories.talk-images.policy": {"customer_keys": keys}, **TLS})), {}).config_sha256()
        for keys in ({}, {"source": "env:K"}, {"source": "env:L"}, {"target": "env:K"})
    ]
    assert shas[1] == shas[2]
    assert len(set(shas)) == 3
    assert shas[0] == read(write(tmp_path, spoiled(TLS)), {}).config_sha256()
