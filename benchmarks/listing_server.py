"""An S3 endpoint that lists millions of objects which nobody stored: `python -m benchmarks.listing_server PORT KEYS SHAPE PAGE_MS`.

Every key is worked out from its number, so that a page costs what writing it down costs and no memory. It lists (V2), answers HEAD,
and says of everything else that it is not there; signatures are not looked at. SHAPE: `flat`, `users` (a folder for each hundred),
`skewed`. `GET /?asked` tells how many pages and how many single keys it was asked for.
"""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from urllib.parse import parse_qs, unquote, urlsplit

BUCKET_OBJECT_BYTES = 16_384
PAGE_KEYS = 1000
ROWS_KEPT = 300_000
"""Rows of so few keys are kept once written: a client is measured, not this server."""
XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


def _skewed(number: int) -> str:
    """The first user has one object, each further one twice as many, every other below forty letters: the last has half of all."""
    user = (number + 1).bit_length()
    return f"u{user:02}/{'deep/er/' * 5 if user % 2 == 0 else ''}{number:010}.jpg"


SHAPES: dict[str, Callable[[int], str]] = {
    "flat": lambda number: f"{number:010}.jpg",
    "skewed": _skewed,
    "users": lambda number: f"u{number // 100:07}/{number % 100:02}.jpg",
}


class Listing:
    """The keys, by number, in order."""

    def __init__(self, keys: int, shape: str) -> None:
        self.keys = keys
        self.key_of = SHAPES[shape]
        if keys <= ROWS_KEPT:
            self._row = cache(self._row)  # type: ignore[method-assign]

    def __len__(self) -> int:
        return self.keys

    def __getitem__(self, number: int) -> str:
        return self.key_of(number)

    def _row(self, prefix: str, number: int) -> str:
        return (
            f"<Contents><Key>{prefix}{self.key_of(number)}</Key><LastModified>2026-06-01T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;{number:032x}&quot;</ETag><Size>{BUCKET_OBJECT_BYTES}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )

    def page(self, prefix: str, query: dict[str, list[str]]) -> bytes:
        """Return one page of ListObjectsV2."""
        token = query.get("continuation-token", [""])[0]
        after = query.get("start-after", [""])[0]
        most = int(query.get("max-keys", [str(PAGE_KEYS)])[0])
        first = int(token) if token else bisect_right(self, prefix + after if after else prefix)
        last = min(first + most, self.keys)
        rows = "".join([self._row(prefix, number) for number in range(first, last)])
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{last}</NextContinuationToken>"
        tail = more if last < self.keys else "<IsTruncated>false</IsTruncated>"
        head = f"<Name>source</Name><Prefix>{prefix}</Prefix><KeyCount>{last - first}</KeyCount><MaxKeys>{most}</MaxKeys>"
        return f"<ListBucketResult {XMLNS}>{head}{tail}{rows}</ListBucketResult>".encode()


class Endpoint:
    """One connection after another, one request after another."""

    def __init__(self, listing: Listing, page_s: float) -> None:
        self._listing = listing
        self._page_s = page_s
        self._pages = self._single_keys = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                method, target, _ = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
                writer.write(await self._answer(method.decode(), target.decode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, method: str, target: str) -> bytes:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        if method == "HEAD":
            fields = f'ETag: "{0:032x}"\r\nLast-Modified: Mon, 01 Jun 2026 00:00:00 GMT\r\nContent-Length: {BUCKET_OBJECT_BYTES}'
            return f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode()
        if "asked" in query:
            return _answered("200 OK", f"{self._pages} {self._single_keys}".encode())
        if "list-type" in query:
            single = query.get("max-keys") == ["1"]
            self._single_keys, self._pages = self._single_keys + single, self._pages + (not single)
            await asyncio.sleep(self._page_s)
            return _answered("200 OK", self._listing.page(unquote(query.get("prefix", [""])[0]), query))
        for name, document in _EMPTY.items():
            if name in query:
                return _answered("200 OK", document.encode())
        if parts.path == "/":
            buckets = "<Bucket><Name>source</Name><CreationDate>2026-06-01T00:00:00.000Z</CreationDate></Bucket>"
            body = f"<ListAllMyBucketsResult {XMLNS}><Buckets>{buckets}</Buckets></ListAllMyBucketsResult>"
            return _answered("200 OK", body.encode())
        code = _NOT_SET.get(next(iter(query), ""), "NoSuchKey")
        return _answered("404 Not Found", f"<Error><Code>{code}</Code><Message>not set</Message></Error>".encode())


_EMPTY = {
    "versioning": f"<VersioningConfiguration {XMLNS}/>",
    "uploads": f"<ListMultipartUploadsResult {XMLNS}><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
}
_NOT_SET = {
    "object-lock": "ObjectLockConfigurationNotFoundError",
    "lifecycle": "NoSuchLifecycleConfiguration",
    "encryption": "ServerSideEncryptionConfigurationNotFoundError",
    "cors": "NoSuchCORSConfiguration",
    "policy": "NoSuchBucketPolicy",
    "replication": "ReplicationConfigurationNotFoundError",
}


def _answered(status: str, body: bytes) -> bytes:
    fields = f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: keep-alive"
    return f"HTTP/1.1 {status}\r\n{fields}\r\n\r\n".encode() + body


async def _serve(port: int, listing: Listing, page_s: float) -> None:
    endpoint = Endpoint(listing, page_s)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Listing(int(sys.argv[2]), sys.argv[3]), float(sys.argv[4]) / 1000))
