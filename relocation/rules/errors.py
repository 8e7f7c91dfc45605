"""Every way in which the work can stop, as one tree. The family decides what happens next.

    HikkoshiError
      Transient            the wire or a server faltered: the same request may succeed later (retried)
        Unreachable        no connection, or it broke before an answer
          CutShort         an answer began, and the connection broke before its end
        ProtocolError      the peer said something that HTTP/1.1 or S3 does not allow; the connection is dropped
        SlowDown           429 or 503: the endpoint asks for less
        ChecksumRejected   the store saw other bytes than we meant to send
      Drift                the source is no longer what was planned: re-plan
        SourceChanged      If-Match failed on a read
        SourceGone         the planned version is not there any more
      Refusal              a gate or a store said no: stop, tell a person
        Untrusted          whoever answers is not who was configured: its certificate, its TLS, or it sends us elsewhere
        Forbidden          the credentials lack a right (named)
        WrongCredentials   the store does not know the key, or the signature is wrong
        BucketMissing      no such bucket
        NoSpace            a quota or a full drive at the target
        PreconditionFailed a conditional write found something there
        NotFound           the key is not there
        BadRequest         the store refuses this request for good, with its code
          CustomerKeyNeeded  the object is encrypted with a customer's key (SSE-C), and none was sent
          CustomerKeyWrong   it is encrypted with another customer's key than the one sent
        CostCapReached     as much was spent as may be
        LeaseLost          somebody else holds the shard or the wave now
        WaveBusy           somebody else is running this wave
        StateMismatch      ledger, vault and configuration do not belong together
        ConfigurationError the configuration is wrong (all problems at once)

Anything else is a bug and is let through. Messages say what, which object, and what to do next.
"""

from __future__ import annotations


class HikkoshiError(Exception):
    """The root of the tree; never raised itself."""


class Transient(HikkoshiError):
    """The same request may succeed later. `retry_after_s` is what the server asked for, if it did."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unreachable(Transient):
    """No connection could be made, or it broke before the whole answer was there."""


class CutShort(Unreachable):
    """An answer began, and the connection broke before its end. The endpoint is there; where it is the same object each time, it
    is that object: damaged bytes look like this on some stores."""


class ProtocolError(Transient):
    """The peer sent what HTTP/1.1 or S3 does not allow. The connection is dropped, nothing of the answer is used."""


class SlowDown(Transient):
    """429 or 503: the endpoint asks for less. `everywhere`: it says so to all, not for one object; it counts as no attempt."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, everywhere: bool = False) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.everywhere = everywhere


class ChecksumRejected(Transient):
    """The store received other bytes than the checksum that we sent (BadDigest and its kin)."""


class Drift(HikkoshiError):
    """The source is no longer what was planned. Not an error of the run: the object goes into the next plan."""


class SourceChanged(Drift):
    """If-Match failed on a read: another version stands under the key."""


class SourceGone(Drift):
    """The planned version is not at the source any more."""


class Refusal(HikkoshiError):
    """A gate or a store said no. Retrying the same thing is of no use."""


class Untrusted(Refusal):
    """Whoever answers there is not who was configured: a certificate that is not accepted, TLS too old, or an answer that sends us
    on to another host or region. Nothing was sent to it but, at most, the request that it sent on."""


class Forbidden(Refusal):
    """The credentials lack a right; the message names role, action and resource."""


class WrongCredentials(Refusal):
    """The store does not know the access key, or does not accept the signature."""


class BucketMissing(Refusal):
    """No such bucket."""


class NoSpace(Refusal):
    """A quota or a full drive: nothing more can be written."""


class PreconditionFailed(Refusal):
    """A conditional request found something else there (412)."""


class NotFound(Refusal):
    """The key or version is not there (404). `deleted` is true where the store shows a delete marker. `code`: its word."""

    def __init__(self, message: str, *, deleted: bool = False, code: str = "") -> None:
        super().__init__(message)
        self.deleted = deleted
        self.code = code


class BadRequest(Refusal):
    """The store refuses this request for good. `code` is its own word (`XMinioInvalidObjectName`)."""

    def __init__(self, message: str, *, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class CustomerKeyNeeded(BadRequest):
    """An object is encrypted with a customer's own key (SSE-C), and was asked for without one."""


class CustomerKeyWrong(BadRequest):
    """An object is encrypted with another customer's key (SSE-C) than the one that was sent."""


class CostCapReached(Refusal):
    """Requests and traffic have cost as much as `transfer.cost_cap` allows; what was done is kept."""


class LeaseLost(Refusal):
    """The lease ran out or somebody else holds it now; whatever this holder still says is not recorded."""


class WaveBusy(Refusal):
    """Somebody else is running this wave (exit 5)."""


class StateMismatch(Refusal):
    """Ledger, vault and configuration do not belong together."""


class ConfigurationError(Refusal):
    """The configuration is wrong. `problems` holds every problem, each with its path, never only the first."""

    def __init__(self, file: str, problems: tuple[str, ...]) -> None:
        super().__init__(
            f"{file}: {len(problems)} problem{'s' if len(problems) != 1 else ''}\n"
            + "\n".join(f"  {problem}" for problem in problems)
        )
        self.file = file
        self.problems = problems
