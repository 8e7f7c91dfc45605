"""Keys that encrypt on real MinIO: a customer's own at either side over TLS (D10), a key service's at the source (D9)."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from connectors.stores import S3Stores
from hikkoshi.local.configuration import REGIONS
from hikkoshi.local.state import SITES
from relocation.rules.records import Outcome
from relocation.stages.wave import WaveRequest, dry_run
from relocation.transfer.layout import NOT_KEPT
from tests.faults.stack import CATEGORY, MIB, Case
from tests.servers import Server, minio_server

pytestmark = pytest.mark.server

KEYS = {"korea": bytes(range(32)), "japan": bytes(range(100, 132)), "another": bytes(range(50, 82))}
BOTH = "{customer_keys: {source: file:its-credentials#korea, target: file:its-credentials#japan}}"
SOURCE = "{customer_keys: {source: file:its-credentials#korea}}"
TARGET = "{customer_keys: {target: file:its-credentials#japan}}"
KMS_KEY = "talk-key"
Servers = Mapping[str, Server]
_numbers = count(1)


class NoHouse:
    """In the place of the servers without TLS: only what their buckets answered is kept there."""

    def __init__(self) -> None:
        self.answers = {}


HOUSE = NoHouse()


class Secure(Case):
    """A migration between servers that speak TLS, each with an authority of its own."""

    ca_files: Mapping[str, Path | None]

    @property
    def config(self) -> Path:
        file = super().config
        text = file.read_text()
        for site, ca_file in self.ca_files.items():
            text = (
                text.replace(f'url: "{self.urls[site]}"\n', f'url: "{self.urls[site]}"\n    ca_file: "{ca_file}"\n')
                if ca_file
                else text
            )
        file.write_text(text)
        return file


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Two MinIO over TLS."""
    folder = tmp_path_factory.mktemp("secure")
    servers_ = partial(minio_server, tls=True)
    with servers_(folder / "korea", region=REGIONS["korea"]) as korea, servers_(folder / "japan", region=REGIONS["japan"]) as japan:
        yield {"korea": korea, "japan": japan}


def client_of(server: Server):
    config = Config(proxies={}, s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
    keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    trust = {"verify": str(server.ca_file)} if server.ca_file else {}
    return boto3.client("s3", endpoint_url=server.url, region_name=server.region, config=config, **keys, **trust)


@contextmanager
def secure_case(folder: Path, servers: Servers, *, bucket: str = "", **options) -> Iterator[Secure]:
    """Make a bucket on either side and a file with the credentials and the customers' keys."""
    folder.mkdir(parents=True, exist_ok=True)
    clients = {site: client_of(servers[site]) for site in SITES}
    name = bucket or f"keys-{next(_numbers)}"
    for site in SITES:
        place = {"CreateBucketConfiguration": {"LocationConstraint": REGIONS[site]}}
        there = {each["Name"] for each in clients[site].list_buckets()["Buckets"]}
        if name not in there:
            clients[site].create_bucket(Bucket=name, **place)
        if site == "japan" and "evidence" not in there:
            clients[site].create_bucket(Bucket="evidence", ObjectLockEnabledForBucket=True, **place)
    clients["japan"].put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    it = servers["korea"]
    lines = [f"[it]\naws_access_key_id={it.access_key}\naws_secret_access_key={it.secret_key}"]
    lines += [f"[{each}]\ncustomer_key={b64encode(key).decode()}" for each, key in KEYS.items()]
    (folder / "its-credentials").write_text("\n".join((*lines, "")))
    (folder / "its-credentials").chmod(0o600)
    case = Secure(
        HOUSE,
        folder,
        name,
        urls={site: servers[site].url for site in SITES},
        references=dict.fromkeys(SITES, "file:its-credentials#it"),
        clients=clients,
        **options,
    )
    case.ca_files = {site: servers[site].ca_file for site in SITES}
    yield case


def with_key(name: str) -> dict[str, object]:
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEYS[name]}


def seed(case: Case, **encryption) -> dict[str, bytes]:
    """Put an empty object, small ones, one of 18 MiB in one piece, which is read back by ranges, and one by parts."""
    bodies = {"empty": b"", "small": b"s" * 500, "tagged": b"t" * 500, "large": os.urandom(MIB) * 18}
    for key, body in bodies.items():
        more = {"Tagging": "kind=image", "Metadata": {"owner": "u1"}} if key == "tagged" else {}
        case.put(key, body, **more, **encryption)
    parts = (b"\1" * 5 * MIB, b"\2" * 5 * MIB, b"\3" * 99)
    put_parts(case, "video", parts, **encryption)
    return {**bodies, "video": b"".join(parts)}


def put_parts(case: Case, key: str, bodies, **encryption) -> None:
    where = {"Bucket": case.bucket, "Key": key, **encryption}
    upload = case.korea.create_multipart_upload(**where)["UploadId"]
    answers = [
        case.korea.upload_part(**where, UploadId=upload, PartNumber=number, Body=body) for number, body in enumerate(bodies, 1)
    ]
    parts = [{"PartNumber": number, "ETag": each["ETag"]} for number, each in enumerate(answers, 1)]
    case.korea.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})


def read(case: Case, key: str, **encryption) -> bytes:
    with case.japan.get_object(Bucket=case.bucket, Key=key, **encryption)["Body"] as body:
        return body.read()


async def planned(case: Case):
    async with case.context() as context:
        return await dry_run(context, WaveRequest(CATEGORY, "all"))


@pytest.mark.parametrize("policy", [BOTH, SOURCE, TARGET])
async def test_customers_keys_are_used_at_either_side(servers, tmp_path, policy):
    """D10: whole objects, ranges, parts, read-backs, over both HTTP stacks; boto3 reads the very bytes with the target's key, and
    nothing without it; a second run keeps everything."""
    with secure_case(tmp_path, servers, policy=policy, transfer={"budget_bytes": "16MiB"}) as case:
        bodies = seed(case, **(with_key("korea") if "source" in policy else {}))
        summary = await case.run()
        assert summary.outcomes["verified"].objects == len(bodies), (summary.failed, summary.refused, summary.mismatched)
        assert summary.losses == {NOT_KEPT: 1}, "of the one that is larger than a buffer"
        sealed = with_key("japan") if "target" in policy else {}
        assert {key: read(case, key, **sealed) for key in bodies} == bodies
        assert case.uploads() == []
        for key in bodies if sealed else ():
            with pytest.raises(ClientError, match="Server Side Encryption"):
                read(case, key)
        again = await case.run()
        assert (again.counts["keep"].objects, again.outcomes["verified"].objects) == (len(bodies), len(bodies))


async def test_the_other_wire_carries_the_keys_too(servers, tmp_path):
    """D10: the library's HTTP copies, our own proves."""
    with secure_case(tmp_path, servers, policy=BOTH, transfer={"wire": "library"}) as case:
        bodies = seed(case, **with_key("korea"))
        summary = await case.run()
        assert summary.outcomes["verified"].objects == len(bodies), summary.failed
        assert summary.proofs["source_twice"] >= 1
        assert {key: read(case, key, **with_key("japan")) for key in bodies} == bodies


async def test_without_the_key_in_the_read_back_nothing_is_verified(servers, tmp_path, monkeypatch):
    """Negative control: the target's readers forget the key, and all that was written is named as unread."""
    of = S3Stores.of

    def forgetful(self, endpoint, role, *, other_wire=False, customer_key=""):
        forgets = (endpoint, role) == ("japan", "reader")
        return of(self, endpoint, role, other_wire=other_wire, customer_key="" if forgets else customer_key)

    with secure_case(tmp_path, servers, policy=TARGET) as case:
        case.put("small", b"s")
        monkeypatch.setattr(S3Stores, "of", forgetful)
        summary = await case.run()
        assert summary.outcomes["verified"].objects == 0
        assert ["could not be read back" in named.reason for named in summary.failed] == [True]


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("{keep_etag: prefer}", "name it in policy.customer_keys.source"),
        ("{customer_keys: {source: file:its-credentials#another}}", "file:its-credentials#another"),
    ],
)
async def test_what_can_not_be_read_for_want_of_its_key_is_refused_at_plan(servers, tmp_path, policy, says):
    """D10: without a key, or with a wrong one: by name, with what to do, before the first byte; what needs none comes home."""
    with secure_case(tmp_path, servers, policy=policy) as case:
        seed(case, **with_key("korea"))
        case.put("clear", b"c" * 100)
        dry = await planned(case)
        assert {named.key for named in dry.refused} == {"empty", "small", "tagged", "large", "video"}
        assert all(says in named.reason for named in dry.refused)
        assert case.listed("japan") == {}
        summary = await case.run()
        assert (set(case.listed("japan")), summary.outcomes["verified"].objects) == ({"clear"}, 1)


async def test_no_customers_key_is_left_in_any_file(servers, tmp_path):
    """D10, I8: neither in the state of this machine nor in the evidence: not the text, not the bytes, not its MD5."""
    with secure_case(tmp_path, servers, policy=BOTH) as case:
        seed(case, **with_key("korea"))
        await case.run()
        run = await case.last_run()
        facts = await case.sealed(run.id)
        assert {fact.outcome for fact in facts} == {Outcome.VERIFIED}
        files = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() and file.name != "its-credentials"]
        evidence = [each["Key"] for each in case.japan.list_objects_v2(Bucket="evidence", Prefix=f"{case.bucket}/")["Contents"]]
        files += [case.japan.get_object(Bucket="evidence", Key=key)["Body"].read() for key in evidence]
        files.append(str((facts, run)).encode())  # what is compressed where it lies
        assert len(files) > len(evidence) > 5
        assert [data for data in files if b"its-credentials#korea" in data], "what is there would be found"
        for key in KEYS.values():
            assert not [data for data in files if key in data or b64encode(key) in data]


async def test_a_key_service_that_lost_its_key_is_found_out_at_plan(servers, tmp_path, tmp_path_factory):
    """D9: HEAD and listing are as ever; one byte of one object tells. Each object is refused with the key's name, nothing moves."""
    folder = tmp_path_factory.mktemp("forgetful")
    bucket = "key-gone"
    with minio_server(folder, region=REGIONS["korea"], kms_key=KMS_KEY) as server:
        client = client_of(server)
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGIONS["korea"]})
        for key in ("a", "b", "c"):
            client.put_object(Bucket=bucket, Key=key, Body=b"x" * 99, ServerSideEncryption="aws:kms", SSEKMSKeyId=KMS_KEY)
    with (
        minio_server(folder, region=REGIONS["korea"], kms_key="another-key") as server,
        secure_case(tmp_path, {**servers, "korea": server}, bucket=bucket) as case,
    ):
        case.put("clear", b"c" * 99)
        dry = await planned(case)
        assert {named.key for named in dry.refused} == {"a", "b", "c"}
        assert all(KMS_KEY in named.reason and "can't be used" in named.reason for named in dry.refused)
        assert case.listed("japan") == {}
        summary = await case.run()
        assert (set(case.listed("japan")), summary.failed) == ({"clear"}, ())
