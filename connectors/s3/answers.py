"""What a store's refusal means: an HTTP status and the store's own code → one error of `relocation.rules.errors`.

Guarantees: a 404 counts as "not there" only where the store itself says so in S3's words (or by HEAD, which has no body): a proxy's
own 404 page must never make an object look gone. Messages name endpoint, bucket, key (percent-encoded), and the role and right.
Refuses to guess: a status that S3 does not use is a `ProtocolError`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from relocation.ports import Response
from relocation.rules.errors import (
    BadRequest,
    BucketMissing,
    ChecksumRejected,
    CustomerKeyNeeded,
    Forbidden,
    HikkoshiError,
    NoSpace,
    NotFound,
    PreconditionFailed,
    ProtocolError,
    Refusal,
    SlowDown,
    Transient,
    Unreachable,
    Untrusted,
    WrongCredentials,
)
from relocation.rules.keys import shown

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and what MinIO and SeaweedFS add to it.
MISSING_KEY = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchUpload", "NoSuchTagSet"})
WRONG_CREDENTIALS = frozenset(
    {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidToken",
        "InvalidTokenId",
        "ExpiredToken",
        "TokenRefreshRequired",
        "InvalidClientTokenId",
    }
)
NO_SPACE = frozenset(
    {"XMinioAdminBucketQuotaExceeded", "XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "XMinioDiskFull"}
)
BAD_CHECKSUM = frozenset({"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "BadChecksum"})
AGAIN = frozenset({"RequestTimeout", "IncompleteBody", "OperationAborted", "ConditionalRequestConflict", "InternalError"})
STARTING = frozenset({"XMinioServerNotInitialized", "XMinioIAMNotInitialized"})
"""What a MinIO says that is up for less than a second: not there yet. It asks for a minute (Retry-After) that it does not need."""
SLOW_DOWN = frozenset(
    {"SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable", "Throttling", "TooManyRequests", "RequestLimitExceeded"}
)
ONE_OBJECT = "SlowDownRead"
"""MinIO's word for an object that can't be read (bit-rot looks so). Its Retry-After of a minute is not obeyed: every retry of every
such object would wait for it, while the endpoint itself has all the time in the world."""
NEEDS_CUSTOMER_KEY = "stored using a form of Server Side Encryption"
"""Part of the words, AWS's and MinIO's, of an InvalidRequest (400) about an object that a customer's key encrypts (SSE-C)."""
KEY_SERVICE = ("kms:", "KMS.")
"""How the codes of a key service begin, passed on by MinIO (`kms:KeyNotFound`, a 404) and by AWS (`KMS.DisabledException`)."""
SKEWED = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"})
DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "AccountProblem"})
ERROR_BYTES_MAX = 65_536

_ERROR = re.compile(rb"\A\s*(?:<\?xml[^>]*\?>)?\s*<Error[\s>]")
_CODE = re.compile(rb"<Code>([A-Za-z0-9_.:]{1,100})</Code>")
_MESSAGE = re.compile(rb"<Message>([^<]{1,500})</Message>")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, by whom: the nouns of an error's message. `action` is the IAM action that the call needs."""

    endpoint: str
    role: str
    action: str
    bucket: str = ""
    key: str = ""

    @property
    def place(self) -> str:
        """Return `talk/images/a%20b`, or `talk`."""
        return f"{self.bucket}/{shown(self.key)}" if self.key else self.bucket

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.action} {self.place}".rstrip()


@dataclass(frozen=True, slots=True)
class Said:
    """What the store answered: status, its own code and words (empty where there are none)."""

    status: int
    code: str
    words: str
    headers: Mapping[str, str]
    has_body: bool

    @property
    def deleted(self) -> bool:
        """Whether the store shows a delete marker: "deleted", not "never there"."""
        return self.headers.get("x-amz-delete-marker") == "true"

    def __str__(self) -> str:
        return f"{self.status} {self.code}".rstrip() + (f" ({self.words})" if self.words else "")


def said(response: Response) -> Said:
    """Read the code out of an error answer.

    By pattern and not by an XML parser: the answer may echo a key that no XML can hold. HEAD has no body; MinIO says code and words
    in headers there.
    """
    head = bytes(response.body[:ERROR_BYTES_MAX])
    code = message = None
    if _ERROR.match(head):
        code, message = _CODE.search(head), _MESSAGE.search(head)
    words = (
        html.unescape(message[1].decode("utf-8", "replace"))
        if message
        else response.headers.get("x-minio-error-desc", "").strip('"')
    )
    name = code[1].decode() if code else response.headers.get("x-minio-error-code", "")
    printable = "".join(character if character.isprintable() else " " for character in words)
    return Said(response.status, name, printable, response.headers, len(response.body) > 0)


def is_error_body(body: bytes | memoryview) -> bool:
    """Whether a body is an `<Error>` document."""
    return _ERROR.match(bytes(body[:1024])) is not None


def refusal(asked: Asked, response: Response, *, now: float) -> HikkoshiError:
    """Return the error that an answer other than the one asked for stands for: by its code, else by its status.

    The code decides first, since a 200 can hold an `<Error>` too. `now` is for a Retry-After that is a date.
    """
    answer = said(response)
    if answer.code in SLOW_DOWN or (answer.code not in _BY_CODE and answer.status in {429, 503}):
        asked_s = None if answer.code == ONE_OBJECT else retry_after_s(answer.headers, now)
        return SlowDown(f"{asked}: {answer}: the endpoint asks for less", retry_after_s=asked_s)
    if answer.code.startswith(KEY_SERVICE):  # a 404 of it is about a key, not about the object
        return _key_refused(asked, answer)
    make = _BY_CODE.get(answer.code) or _BY_STATUS.get(answer.status) or _BY_FAMILY.get(answer.status // 100, _misfit)
    return make(asked, answer)


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds of a Retry-After (RFC 9110 §10.2.3: seconds or a date); none where it says neither."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None


def _not_there(asked: Asked, answer: Said) -> HikkoshiError:
    """Return NotFound where S3 said so; a 404 page of somebody in between says nothing about the object."""
    if answer.has_body and not answer.code:
        return ProtocolError(f"{asked}: a 404 that is no answer of S3; is something else in between?")
    return NotFound(f"{asked}: {'deleted' if answer.deleted else 'not there'}: {answer}", deleted=answer.deleted, code=answer.code)


def _no_bucket(asked: Asked, answer: Said) -> HikkoshiError:
    return BucketMissing(f"{asked.endpoint}: there is no bucket {asked.bucket} ({asked.action}: {answer.status})")


def _wrong_credentials(asked: Asked, answer: Said) -> HikkoshiError:
    where = f"{asked.action} {asked.place}".rstrip()
    return WrongCredentials(f"{asked.endpoint}: the credentials of role {asked.role} are not accepted ({where}): {answer}")


def _forbidden(asked: Asked, answer: Said) -> HikkoshiError:
    return Forbidden(f"{asked.endpoint}: role {asked.role} may not {asked.action} on {asked.place or 'any bucket'}: {answer}")


def _skewed(asked: Asked, answer: Said) -> HikkoshiError:
    return Refusal(f"{asked}: {answer}: this machine's clock and the store's differ too much; set the clock and run again")


def _no_space(asked: Asked, answer: Said) -> HikkoshiError:
    return NoSpace(f"{asked}: {answer}: no space is left; make room and run again")


def _other_bytes(asked: Asked, answer: Said) -> HikkoshiError:
    return ChecksumRejected(f"{asked}: {answer}: the store received other bytes than were meant")


def _precondition(asked: Asked, answer: Said) -> HikkoshiError:
    return PreconditionFailed(f"{asked}: {answer}: something else stands there")


def _again(asked: Asked, answer: Said) -> HikkoshiError:
    return Transient(f"{asked}: {answer}")


def _starting(asked: Asked, answer: Said) -> HikkoshiError:
    return Unreachable(f"{asked}: {answer}: the server is only just starting")


def _bad_request(asked: Asked, answer: Said) -> HikkoshiError:
    return BadRequest(f"{asked}: the store refuses this: {answer}", code=answer.code or str(answer.status), status=answer.status)


def _invalid_request(asked: Asked, answer: Said) -> HikkoshiError:
    if NEEDS_CUSTOMER_KEY not in answer.words:
        return _bad_request(asked, answer)
    what = f"{asked}: it is encrypted with a customer's own key (SSE-C): {answer}; name that key in policy.customer_keys"
    return CustomerKeyNeeded(what, code=answer.code, status=answer.status)


def _key_refused(asked: Asked, answer: Said) -> HikkoshiError:
    what = f"{asked}: the key that encrypts it can't be used: {answer}; see that it is there, enabled, and that we may use it"
    return BadRequest(what, code=answer.code, status=answer.status)


def _marker_or_bad(asked: Asked, answer: Said) -> HikkoshiError:
    """Return what 405 means: the version asked for is a delete marker, or the method is not allowed at all."""
    return NotFound(f"{asked}: a delete marker", deleted=True) if answer.deleted else _bad_request(asked, answer)


def _redirect(asked: Asked, answer: Said) -> HikkoshiError:
    """Return what a 3xx means: never followed, the bytes might leave the country. Only 304, which nobody asked for, is a misfit."""
    if answer.status == 304:
        return _misfit(asked, answer)
    to = answer.headers.get("x-amz-bucket-region") or answer.headers.get("location", "elsewhere")
    return Untrusted(f"{asked}: {answer}: sent on to {shown(to)}, which is never followed; check the endpoint's url and region")


def _other_region(asked: Asked, answer: Said) -> HikkoshiError:
    return Untrusted(f"{asked}: {answer}: it is of another region than the configuration says; check the endpoint's url and region")


def _misfit(asked: Asked, answer: Said) -> HikkoshiError:
    return ProtocolError(f"{asked}: an answer that does not fit: {answer}")


Meaning = Callable[[Asked, Said], HikkoshiError]

_BY_CODE: dict[str, Meaning] = {
    "NoSuchBucket": _no_bucket,
    "PreconditionFailed": _precondition,
    "AuthorizationHeaderMalformed": _other_region,
    "InvalidRequest": _invalid_request,
    "InvalidObjectState": _bad_request,  # archived: concerns this object, and is no missing right
    **dict.fromkeys(MISSING_KEY, _not_there),
    **dict.fromkeys(WRONG_CREDENTIALS, _wrong_credentials),
    **dict.fromkeys(DENIED, _forbidden),
    **dict.fromkeys(SKEWED, _skewed),
    **dict.fromkeys(NO_SPACE, _no_space),
    **dict.fromkeys(BAD_CHECKSUM, _other_bytes),
    **dict.fromkeys(AGAIN, _again),
    **dict.fromkeys(STARTING, _starting),
}
_BY_STATUS: dict[int, Meaning] = {
    401: _wrong_credentials,
    403: _forbidden,
    404: _not_there,
    405: _marker_or_bad,
    412: _precondition,
    501: _bad_request,  # NotImplemented: it will not be implemented at the next try either
    507: _no_space,
}
_BY_FAMILY: dict[int, Meaning] = {3: _redirect, 4: _bad_request, 5: _again}
