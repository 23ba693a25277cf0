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
    """``noun.verb`` is ``method path``; ``{…}`` in the path is filled with a quoted segment.

    ``query`` and ``body`` list the fields that the server knows: it refuses unknown ones. ``expected`` are the answers
    that prove a write; a read is proven by its status and its JSON. ``since`` is the first version that has the
    operation, ``until`` the first that no longer has it.
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
        """Return True if a site of this version has the operation; rows without bounds need no version."""
        if version is None:
            return self.since is None and self.until is None
        late_enough = self.since is None or version.at_least(self.since)
        return late_enough and (self.until is None or not version.at_least(self.until))

    def url(self, parameters: Mapping[str, str]) -> str:
        """Return the path with its parameters, each quoted as one segment."""
        return self.path.format(**{name: path_segment(value) for name, value in parameters.items()})
