"""The page's template as bytecode, kept beside Python's own in `__pycache__`: compiling it takes a tenth of a second.

Guarantees: what is read was made of this very source, by this Python and this Jinja, under the options in `made_with`, else it is
compiled anew; it is written where and when Python writes bytecode, whole or not at all. A folder that can't be written: no cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
from importlib.util import cache_from_source
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, BytecodeCache


class BesidePythons(BytecodeCache):
    """The bytecode of the templates of one folder; `made_with` is everything but the source that the code depends on."""

    def __init__(self, folder: Path, made_with: str) -> None:
        self._folder = folder
        self._made_with = f"{sys.version} {jinja2.__version__} {made_with}"

    def get_cache_key(self, name: str, filename: str | None = None) -> str:  # noqa: ARG002 — Jinja's signature
        """Return the file's path."""
        return cache_from_source(str(self._folder / f"{name}.py"))

    def get_source_checksum(self, source: str) -> str:
        """Return a hash over all that the bytecode depends on."""
        return hashlib.sha256(f"{self._made_with}\0{source}".encode()).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read what is kept, if it is of this source; what is not whole counts as nothing."""
        with contextlib.suppress(OSError, EOFError, ValueError, TypeError):
            data = Path(bucket.key).read_bytes()
            head = _head(bucket)
            if data.startswith(head):
                bucket.code = marshal.loads(data[len(head) :])  # noqa: S302 — as Python loads its own from the same folder

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, where Python keeps bytecode at all."""
        if sys.dont_write_bytecode:
            return
        file = Path(bucket.key)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                draft.write_bytes(_head(bucket) + marshal.dumps(bucket.code))
                draft.replace(file)
            finally:
                draft.unlink(missing_ok=True)


def _head(bucket: Bucket) -> bytes:
    """Return what stands before the bytecode: a file that begins otherwise is of something else, and is not read."""
    return bucket.checksum.encode() + b"\n"
