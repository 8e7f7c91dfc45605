"""CRC64NVME for tests, by another way than the reference store's: bit by bit for small bytes, AWS's library for large ones."""

from __future__ import annotations

import base64
from functools import lru_cache

from awscrt import checksums

POLYNOMIAL = 0x9A6C9329AC4BC9B5  # reflected; check value of "123456789": 0xAE8B14860A799888
SLOW_BYTES_MAX = 4096


def crc64nvme(body: bytes) -> str:
    """Return the checksum as S3 writes it."""
    value = by_bits(body) if len(body) <= SLOW_BYTES_MAX else checksums.crc64nvme(body)
    return base64.b64encode(value.to_bytes(8, "big")).decode()


@lru_cache
def by_bits(body: bytes) -> int:
    """Return the CRC64NVME by its definition."""
    value = 0xFFFFFFFFFFFFFFFF
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
    return value ^ 0xFFFFFFFFFFFFFFFF
