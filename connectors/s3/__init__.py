"""S3 over a wire: requests, answers and what they mean. `S3Store` implements `relocation.ports.Store` for one endpoint and role.

`store` has the calls, `headers` and `xml` what they send and read, `answers` what a refusal means, `control` the few calls of the
control plane (boto3) that make buckets. Nothing here retries: that is `relocation.transfer`'s.
May import: the core, `connectors.signer`, boto3 (in `control` alone).
"""

from connectors.s3.store import S3Store

__all__ = ["S3Store"]
