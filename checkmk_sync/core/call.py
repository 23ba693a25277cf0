"""The two records that cross the wire: a :class:`Call` goes out, a :class:`Reply` comes back."""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Optional
from urllib.parse import unquote

__all__ = ["Call", "CallKind", "ExpectedReply", "Reply", "clean_etag", "require_etag", "show_folder_paths"]

JSON = "application/json"


class CallKind(enum.Enum):
    """What sort of call it is; time limits, repeating, caching and queueing follow from it."""

    CONFIG = "config"  # reads the configuration
    STATUS = "status"  # reads the monitoring state, by GET or by POST
    POLL = "poll"  # reads what changes by itself: jobs, activations, pending changes
    WRITE = "write"  # changes the configuration
    BULK = "bulk"  # changes much of it, or starts something long


@dataclass(frozen=True)
class ExpectedReply:
    """An answer that Checkmk gives to a write, and so the proof that the write was executed.

    ``domain_type`` is the ``domainType`` of its body; None for an answer without one. ``names`` is the path to the
    member that names the object, through lists as well; empty where the caller does not know the name beforehand.
    ``location`` is where a redirect leads, below the API; ``{name}`` in it is the name of the object.
    """

    status: int
    domain_type: Optional[str] = None
    names: tuple[str, ...] = ()
    location: str = ""


@dataclass(frozen=True)
class Call:
    """One request: where it goes below the API's base URL and what it means.

    ``path`` is already quoted. ``noun`` and ``verb`` name the call in metrics and in the cache, and ``touches`` names
    further nouns that a write changes. ``fresh`` bypasses the cache. ``stream`` leaves the body unread;
    ``body_limit`` reads at most that many bytes and does not decode them. A ``probe`` is tried once and ignores the
    circuit breaker. ``deadline_s`` shortens the time limit of the call. A write is proven by one of ``expected`` if it
    names the objects in ``object_names``.
    """

    method: str
    path: str
    kind: CallKind
    noun: str
    verb: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = field(default=None, repr=False)  # may hold SNMP communities and the like
    etag: Optional[str] = None
    accept: str = JSON
    touches: tuple[str, ...] = ()
    fresh: bool = False
    stream: bool = False
    body_limit: Optional[float] = None
    probe: bool = False
    deadline_s: Optional[float] = None
    expected: tuple[ExpectedReply, ...] = ()
    object_names: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return method and path for people, with ``/linux/web`` for the folder ``~linux~web``."""
        return f"{self.method} {show_folder_paths(self.path, self.folder_ids)}"

    @property
    def folder_ids(self) -> tuple[str, ...]:
        """The folders in path and query as spelled in URLs, such as ``~linux~web``."""
        parts = (*self.path.split("/"), *(value for _, value in self.query))
        return tuple(dict.fromkeys(part for part in parts if part.startswith("~")))

    @functools.cached_property
    def is_read(self) -> bool:
        """Return True if the call changes nothing; reads by POST exist as well."""
        return self.is_repeatable or self.method == "GET"

    @functools.cached_property
    def is_repeatable(self) -> bool:
        """Return True for reads that cost the site little: a BULK read keeps it busy, so it is tried once."""
        return self.kind in (CallKind.CONFIG, CallKind.STATUS, CallKind.POLL)


def show_folder_paths(text: str, folder_ids: Iterable[str]) -> str:
    """Return ``text`` with paths such as ``/linux/web`` in place of these folder ids."""
    for folder in sorted(
        {form for name in folder_ids for form in (name, unquote(unquote(name)))}, key=len, reverse=True
    ):
        # A tilde is the root only if it stands alone in a URL or in quotes.
        before, after = (r"/?(?<![\w~])", r"(?![\w~])") if len(folder) > 1 else (r"(?:/|(?<=['\"]))", r"(?=[/'\"?]|$)")
        path = unquote(unquote(folder)).replace("~", "/")
        text = re.sub(before + re.escape(folder) + after, path.replace("\\", r"\\"), text)
    return text


@dataclass(frozen=True)
class Reply:
    """One answer below 400. ``data`` is the decoded JSON, or None where there is no body (204, redirects)."""

    call: Call
    status: int
    headers: Mapping[str, str] = field(repr=False)  # case does not matter in names: some proxies write lower case
    data: Any = field(default=None, repr=False)
    elapsed_s: float = 0.0
    from_cache: bool = False
    body: bytes = field(default=b"", repr=False)  # unpacked; empty for a stream
    stale: bool = False  # older than it should be: the site could not be asked

    @property
    def etag(self) -> Optional[str]:
        """The value to send as ``If-Match``, or None where the answer has none."""
        raw = self.headers.get("ETag")
        return None if raw is None else clean_etag(raw)


# Apache's mod_deflate writes "<hash>-gzip" into the ETag of what it compresses; sent back it gives 412.
_SUFFIX = re.compile(r'(?:-gzip|-br|;gzip)(?="?$)')


_VALID_ETAG = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def require_etag(etag: str) -> str:
    """Return ``etag``; ValueError if a header cannot hold it."""
    if not isinstance(etag, str) or not _VALID_ETAG.fullmatch(etag):
        raise ValueError(f"an ETag is a text such as '\"1f6b0d\"' in printable ASCII, not {etag!r}")
    return etag


def clean_etag(raw: str) -> str:
    """The ETag as Checkmk computed it: without ``W/`` and without what a web server appended."""
    raw = raw.strip()
    if raw.startswith("W/"):
        raw = raw[2:]
    return _SUFFIX.sub("", raw)
