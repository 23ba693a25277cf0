"""What a row says about an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ..names import CheckmkVersion
from ..wire import Kind

__all__ = ["Operation"]


@dataclass(frozen=True)
class Operation:
    """``noun.verb`` is ``method path``; ``{…}`` in the path is filled with a quoted segment.

    ``query`` and ``body`` list the fields that the server knows: it refuses unknown ones.
    With ``redirects`` the answer may be one, to where what was started can be watched. ``since`` is the
    first version that has the operation, ``until`` the first that has it no more.
    """

    noun: str
    verb: str
    method: str
    path: str
    kind: Kind
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    if_match: bool = False
    touches: tuple[str, ...] = ()
    redirects: bool = False
    since: Optional[str] = None
    until: Optional[str] = None

    def serves(self, version: Optional[CheckmkVersion]) -> bool:
        """True when a site of this version has the operation; rows without bounds need no version."""
        if version is None:
            return self.since is None and self.until is None
        late_enough = self.since is None or version.at_least(self.since)
        return late_enough and (self.until is None or not version.at_least(self.until))
