"""The record of one operation of the API."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Mapping, Optional

from ..core.call import JSON, READS, CallKind, ExpectedReply
from .paths import path_segment
from .versions import CheckmkVersion

ANY_FIELD = "*"  # in a body that accepts fields of any name


@dataclass(frozen=True)
class Operation:
    """One operation of the API: ``noun.verb`` is sent as ``method path``.

    Each ``{…}`` in the path is replaced with a quoted segment. ``query`` and ``body`` list the fields that the server
    accepts; it refuses all others. ``options`` lists those of them that are not fields of the object. ``if_match`` is
    True if the operation accepts an ETag. The answer to the verb ``etag_from`` contains that ETag. ``accept`` is the
    media type of the answer. ``touches`` lists other nouns whose objects a write changes. ``expected`` lists the
    responses that prove that a write was executed; a read needs no proof.

    ``since`` is the first version with the operation, and ``until`` the first version without it. ``editions`` are the
    short names of the editions that have it; None means all. ``replaced_by`` names the operation to use in versions
    without this one, as ``noun.verb``.
    """

    noun: str
    verb: str
    method: str
    path: str
    kind: CallKind
    query: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    if_match: bool = False
    touches: tuple[str, ...] = ()
    expected: tuple[ExpectedReply, ...] = ()
    since: Optional[str] = None
    until: Optional[str] = None
    accept: str = JSON
    editions: Optional[frozenset[str]] = None
    replaced_by: str = ""
    etag_from: str = "get"

    @property
    def name(self) -> str:
        """The name of the operation, such as ``hosts.get``."""
        return f"{self.noun}.{self.verb}"

    @property
    def is_read(self) -> bool:
        """Return True if the operation changes nothing."""
        return self.kind in READS or self.method == "GET"

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The names of the parameters in the path."""
        return tuple(name for _, name, _, _ in string.Formatter().parse(self.path) if name is not None)

    def serves(self, version: CheckmkVersion, edition: str) -> bool:
        """Return True if a site of this version and edition has the operation."""
        return version.is_between(self.since, self.until) and (self.editions is None or edition in self.editions)

    def url(self, parameters: Mapping[str, str]) -> str:
        """Return the path with ``parameters`` filled in. Each value is quoted as one segment."""
        return self.path.format(**{name: path_segment(value) for name, value in parameters.items()})
