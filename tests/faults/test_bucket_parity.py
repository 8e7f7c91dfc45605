"""How a move's two buckets are set up, read from real servers, and refused where what arrives would not stay (D32)."""

from __future__ import annotations

import json

import pytest

from connectors.report.document import as_json
from connectors.s3.configuration import BucketConfigurations
from relocation.rules.errors import Refusal
from relocation.stages import wave
from relocation.stages.wave import WaveRequest, dry_run
from tests.faults.stack import CATEGORY, Case
from tests.faults.test_names_refused import from_any, from_moto  # noqa: F401 — a fixture, and what makes it

pytestmark = pytest.mark.server

CORS = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://talk.example"]}]}


def lifecycle(case: Case, site: str, *, prefix: str, **deed) -> None:
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": prefix}, **(deed or {"Expiration": {"Days": 1}})}
    case.client(site).put_bucket_lifecycle_configuration(Bucket=case.bucket, LifecycleConfiguration={"Rules": [rule]})


async def planned(case: Case):
    async with case.context() as context:
        return await dry_run(context, WaveRequest(CATEGORY, "all"))


def told(summary) -> dict[str, tuple[str, str, str]]:
    return {line.aspect: (line.at_source, line.at_target, line.verdict) for line in summary.parity}


async def test_a_lifecycle_that_would_expire_what_arrives_refuses_dry_run_and_run(case):
    """D32: a rule of the target's bucket that would expire what arrives stops the plan by its name; nothing is written."""
    case.put("images/a", b"a")
    lifecycle(case, "japan", prefix="images/")
    with pytest.raises(Refusal, match="lifecycle rule `tidy` expires what lies below `images/` after 1 day"):
        await planned(case)
    with pytest.raises(Refusal, match="switch that rule off"):
        await case.run()
    assert case.listed("japan") == {}
    summary = await case.verify()  # which writes nothing, and says it in its report
    assert told(summary)["lifecycle"] == ("none", "1 rule", "refused")


async def test_a_lifecycle_elsewhere_in_the_targets_bucket_is_no_reason_to_refuse(case):
    """D32, control: a rule for another prefix, one that is switched off, and one about former versions refuse nothing."""
    case.prefix = "images/"
    case.put("images/a", b"a")
    rules = [
        {"ID": "off", "Status": "Disabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}},
        {"ID": "elsewhere", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}},
        {"ID": "former", "Status": "Enabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 9}},
    ]
    case.japan.put_bucket_lifecycle_configuration(Bucket=case.bucket, LifecycleConfiguration={"Rules": rules})
    summary = await case.run()
    case.assert_reconciled(summary, objects=1)
    assert told(summary)["lifecycle"] == ("none", "2 rules, 1 switched off", "differs")


async def test_a_lifecycle_at_the_source_is_a_warning(case):
    """X9: what the source's own rules expire before it was copied does not come home: the report says so, and the run goes on."""
    case.put("images/a", b"a")
    lifecycle(case, "korea", prefix="images/", Expiration={"Days": 30})
    summary = await case.run()
    case.assert_reconciled(summary, objects=1)
    (line,) = (line for line in summary.parity if line.aspect == "lifecycle")
    assert line.verdict == "attention"
    assert "expires what lies below `images/` after 30 days" in line.meaning


async def test_each_aspect_of_two_minio_is_told(case):
    """D32: versioning, lock, policy and default encryption of two real buckets stand side by side, by the reader's rights alone."""
    case.put("a", b"a")
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"], "Resource": [f"arn:aws:s3:::{case.bucket}/*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    case.korea.put_bucket_policy(Bucket=case.bucket, Policy=policy)
    summary = await planned(case)
    assert told(summary) == {
        "versioning": ("off", "enabled", "differs"),
        "object_lock": ("none", "none", "same"),
        "lifecycle": ("none", "none", "same"),
        "encryption": ("none", "none", "same"),
        "cors": ("none", "none", "same"),
        "notifications": ("none", "none", "same"),
        "policy": ("1 rule", "none", "attention"),
        "replication": ("none", "none", "same"),
    }
    case.japan.put_bucket_policy(Bucket=case.bucket, Policy=policy)
    assert told(await planned(case))["policy"] == ("1 rule", "1 rule", "same")
    assert len(as_json(summary)["parity"]) == 8


async def test_cors_on_one_side_only_is_named(from_any):  # noqa: F811
    """D32: what browsers of other origins may read at the source and not at the target is named in the report."""
    case = from_any
    case.put("a", b"a")
    case.korea.put_bucket_cors(Bucket=case.bucket, CORSConfiguration=CORS)
    summary = await planned(case)
    (line,) = (line for line in summary.parity if line.aspect == "cors")
    assert (line.at_source, line.at_target, line.verdict) == ("1 rule", "none", "attention")
    assert "browsers of other origins" in line.meaning


async def test_a_missing_right_is_said_and_never_taken_for_none(case, monkeypatch):
    """D32: a reader that may not see the target's lifecycle makes it a standing unknown, and no refusal."""
    case.put("a", b"a")
    lifecycle(case, "japan", prefix="")
    lesser = {"japan": "vault"}  # whose rights end at the evidence

    def of_lesser(self, endpoint):
        return self._stores.of(endpoint, lesser.get(endpoint, "reader"))

    monkeypatch.setattr(BucketConfigurations, "_store", of_lesser)
    summary = await planned(case)
    assert told(summary)["lifecycle"][1:] == ("not allowed to see", "unknown")
    assert [text for text in summary.unknown if "lifecycle rules could not be seen" in text]


async def test_without_reading_the_lifecycle_what_arrives_would_be_expired_by_it(case, monkeypatch):
    """Negative control: it is this look that keeps the run from copying into a bucket that throws away what arrives."""
    case.put("images/a", b"a")
    lifecycle(case, "japan", prefix="images/")
    monkeypatch.setattr(wave, "refuse_what_would_act_on_arrivals", _nothing)
    case.assert_reconciled(await case.run(), objects=1)


async def _nothing(*_) -> None: ...
