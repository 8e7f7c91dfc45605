"""A listing of all versions from one key on, page by page, held to its order.

Guarantees: a version that comes twice, a key from elsewhere, a key that comes again, and a history that does not begin with its
latest version are refused. None of the keys need to be kept for that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import partial
from itertools import islice
from operator import le

from relocation.ports import Store
from relocation.rules.errors import ProtocolError
from relocation.rules.keys import shown
from relocation.rules.objects import ListedVersion
from relocation.stages.context import Context
from relocation.stages.pages import Apart, Walk


class VersionsWalk(Walk[ListedVersion]):
    """The versions under a prefix, the newest of each key first.

    The order is that of bytes (`ordered`), as S3 says, or that of a tree (`a/b` before `a-b`), as some stores have it. With
    `delimiter` what lies deeper is folded into common prefixes, which have no version id, and no order is asked for.
    """

    def __init__(
        self,
        context: Context,
        store: Store,
        bucket: str,
        prefix: str,
        *,
        after: str = "",
        delimiter: str = "",
        page_keys: int = 1000,
    ) -> None:
        ask = partial(store.list_versions, bucket, prefix=prefix, delimiter=delimiter, page_keys=page_keys)
        super().__init__(context, f"the versions listing of {store.endpoint}/{bucket}", prefix, after, ask)
        self._folded = bool(delimiter)
        self._versions: set[str] = set()
        self._by_tree = True

    def _whole(self, items: Sequence[ListedVersion]) -> Sequence[ListedVersion]:
        """Leave the last key of a page to the next one, which begins with it: of its history there may be more than was shown.

        Nothing is whole where one key fills a page, nor where the next page goes on by token, in the middle of a history."""
        keys = [self.last, *(version.key for version in items)]
        if not self.by_key or not self.ordered or not all(map(le, keys, islice(keys, 1, None))):
            return ()
        return items[: bisect_left(keys, keys[-1], lo=1) - 1]

    def _refuse_before(self, after: str, first: ListedVersion) -> None:
        super()._refuse_before(after, first)
        if after and not first.is_latest:
            raise Apart(
                f"{self.name} was asked for what follows {shown(after)} and begins within the history of {shown(first.key)}"
            )

    def _check(self, items: Sequence[ListedVersion]) -> None:
        if self._folded:
            return
        for version in items:
            new = version.key != self.last or not self._versions
            self._refuse_elsewhere(version.key)
            if version.version_id in self._versions and not new:
                raise ProtocolError(f"{self.name} shows a version of {shown(version.key)} twice: not a listing to be trusted")
            if version.is_latest != new:
                raise ProtocolError(f"{self.name} does not begin {shown(version.key)} with its latest version")
            if new:
                self._next(version.key)
            self._versions.add(version.version_id)

    def _next(self, key: str) -> None:
        if self._versions:
            self.ordered = self.ordered and key > self.last
            self._by_tree = self._by_tree and key.split("/") > self.last.split("/")
            if not self.ordered and not self._by_tree:
                raise ProtocolError(f"{self.name} goes back from {shown(self.last)} to {shown(key)}: not a listing to be trusted")
        self.last = key
        self._versions.clear()
