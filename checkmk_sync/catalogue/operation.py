"""The record of one operation of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Optional

from ..core.call import CallKind, ExpectedReply
from .paths import path_segment
from .versions import CheckmkVersion

__all__ = ["ExpectedReply", "Operation"]


@dataclass(frozen=True)
class Operation:
    """One operation of the API: ``noun.verb`` is sent as ``method path``.

    Each ``{…}`` in the path is replaced with a quoted segment. ``query`` and ``body`` list the fields that the server
    accepts; it refuses all others. ``if_match`` is True if the operation accepts an ETag. ``touches`` lists further
    nouns whose objects a write changes. ``expected`` lists the responses that prove that a write was executed; a read
    needs no proof. ``since`` is the first version with the operation, and ``until`` the first version without it.
    """

    noun: str
    verb: str
    method: str
    path: str
    kind: CallKind
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    if_match: bool = False
    touches: tuple[str, ...] = ()
    expected: tuple[ExpectedReply, ...] = ()
    since: Optional[str] = None
    until: Optional[str] = None

    def serves(self, version: Optional[CheckmkVersion]) -> bool:
        """Return True if a site of this version has the operation.

        Without a version, only rows without bounds match.
        """
        if version is None:
            return self.since is None and self.until is None
        late_enough = self.since is None or version.at_least(self.since)
        return late_enough and (self.until is None or not version.at_least(self.until))

    def url(self, parameters: Mapping[str, str]) -> str:
        """Return the path with ``parameters`` filled in. Each value is quoted as one segment."""
        return self.path.format(**{name: path_segment(value) for name, value in parameters.items()})
