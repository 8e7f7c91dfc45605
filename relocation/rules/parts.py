"""How an object is cut. Pure.

Guarantees: the parts of a layout add up to the size, none is empty (an empty object is one empty part), their number is at most
10,000 and each but the last at least 5 MiB and at most 5 GiB (AWS: "Amazon S3 multipart upload limits").
"""

from __future__ import annotations

from relocation.rules.errors import Refusal

MIB = 1024 * 1024
PART_BYTES_MIN = 5 * MIB
PART_BYTES_MAX = 5 * 1024 * MIB
PARTS_MAX = 10_000


def cut(size: int, part_bytes: int) -> tuple[int, ...]:
    """Return the part sizes of an object of `size` bytes, at `part_bytes` each but grown where 10,000 parts would not do.

    Raises Refusal where no layout within the limits holds the object.
    """
    if size == 0:
        return (0,)
    needed = -(-size // PARTS_MAX)
    if needed > PART_BYTES_MAX:
        raise Refusal(f"an object of {size} bytes does not fit in {PARTS_MAX} parts of {PART_BYTES_MAX} bytes")
    part_bytes = max(min(part_bytes, PART_BYTES_MAX), needed, PART_BYTES_MIN)
    whole, rest = divmod(size, part_bytes)
    return (part_bytes,) * whole + ((rest,) if rest else ())


def ranges(size: int, chunk_bytes: int) -> tuple[tuple[int, int], ...]:
    """Return the (first, last) byte ranges, both inclusive, that read `size` bytes in chunks. An empty object has none."""
    return tuple((first, min(first + chunk_bytes, size) - 1) for first in range(0, size, chunk_bytes))


def shown_layout(sizes: tuple[int, ...]) -> str:
    """Return a layout as a fact holds it: runs of equal sizes as `SIZExCOUNT`, joined by `,`."""
    runs: list[list[int]] = []
    for size in sizes:
        if runs and runs[-1][0] == size:
            runs[-1][1] += 1
        else:
            runs.append([size, 1])
    return ",".join(f"{size}x{count}" if count > 1 else str(size) for size, count in runs)
