"""The records of a request and of its response: :class:`Call` and :class:`Reply`."""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Optional
from urllib.parse import unquote

JSON = "application/json"
ANY = "*/*"  # CHECKMK_API 4: all endpoints accept it
RAW_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")  # for raw requests


class CallKind(enum.Enum):
    """The kind of a call. It determines timeouts, retries, caching and queueing."""

    CONFIG = "config"  # reads the configuration
    STATUS = "status"  # reads the monitoring state, by GET or POST
    POLL = "poll"  # reads jobs, activations or pending changes, which change on their own
    WRITE = "write"  # changes the configuration
    BULK = "bulk"  # changes many objects, or keeps the site busy for a long time
    # Sends a command to the monitoring core, such as an acknowledgement of a problem. CHECKMK_API 8.1, 8.5: it takes no
    # configuration lock, leaves no pending change, and is answered before it is executed. Sent twice, it may act twice.
    COMMAND = "command"


READS = (CallKind.CONFIG, CallKind.STATUS, CallKind.POLL)


@dataclass(frozen=True)
class ExpectedReply:
    """A response by which Checkmk confirms a write. A response that matches proves that the write was executed.

    ``domain_type`` is the ``domainType`` of the body, or None for a response without one. ``names`` is the path of the
    names of the written objects in the body; it leads through all items of a list. It is empty if the names are not
    checked. ``location`` is the beginning of a redirect's target, relative to the API; ``{name}`` in it is replaced
    with the name of the object.
    """

    status: int
    domain_type: Optional[str] = None
    names: tuple[str, ...] = ()
    location: str = ""


@dataclass(frozen=True)
class Call:
    """A request, and the facts that decide how the client treats it.

    ``path`` is relative to the base URL of the API, and already quoted. ``noun`` and ``verb`` name the call in metrics
    and in the cache. ``touches`` lists further nouns whose objects a write changes. ``fresh`` bypasses the cache.
    ``stream`` leaves the body unread. With ``body_limit``, at most that many bytes are read, and they are not decoded.
    A ``probe`` is sent once and ignores the circuit breaker. ``deadline_s`` shortens the time limit of the call. A
    write counts as executed if its response matches one of ``expected`` and names the objects in ``object_names``. The
    operation of an ``is_raw`` call is unknown. Any response of a Checkmk endpoint is accepted for it, and as a write it
    may have changed any object.
    """

    method: str
    path: str
    kind: CallKind
    noun: str
    verb: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = field(default=None, repr=False)  # can contain secrets, such as SNMP communities
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
    is_raw: bool = False

    def __str__(self) -> str:
        """Return method and path for messages. Folders are shown as ``/linux/web`` instead of ``~linux~web``."""
        return f"{self.method} {show_folder_paths(self.path, self.folder_ids)}"

    @property
    def folder_ids(self) -> tuple[str, ...]:
        """The IDs of the folders in path and query, as spelled in URLs, such as ``~linux~web``."""
        parts = (*self.path.split("/"), *(value for _, value in self.query))
        return tuple(dict.fromkeys(part for part in parts if part.startswith("~")))

    @functools.cached_property
    def is_read(self) -> bool:
        """Return True if the call changes nothing. Some reads are sent by POST."""
        return self.is_repeatable or self.method == "GET"

    @functools.cached_property
    def is_exclusive(self) -> bool:
        """Return True if the client sends only one such call at a time, because it locks the configuration."""
        return not self.is_read and self.kind is not CallKind.COMMAND

    @functools.cached_property
    def is_repeatable(self) -> bool:
        """Return True if the call may be sent again after a failure: it changes nothing and is cheap for the site."""
        # A BULK read keeps the site busy, so it is sent only once.
        return self.kind in READS


def show_folder_paths(text: str, folder_ids: Iterable[str]) -> str:
    """Return ``text`` with the IDs of these folders replaced by paths such as ``/linux/web``."""
    # An ID appears as in the URL (quoted twice) or plain. The longest form is replaced first, because a shorter one can
    # be part of it.
    for folder in sorted(
        {form for name in folder_ids for form in (name, unquote(unquote(name)))}, key=len, reverse=True
    ):
        # A tilde is the root folder only if it is an entire segment of a URL or an entire quoted string.
        before, after = (r"/?(?<![\w~])", r"(?![\w~])") if len(folder) > 1 else (r"(?:/|(?<=['\"]))", r"(?=[/'\"?]|$)")
        path = unquote(unquote(folder)).replace("~", "/")
        text = re.sub(before + re.escape(folder) + after, path.replace("\\", r"\\"), text)
    return text


@dataclass(frozen=True)
class Reply:
    """A response with a status code below 400.

    ``data`` is the decoded JSON, or None if the body is empty (204, redirects) or not JSON. ``body`` contains the
    bytes of the body. ``elapsed_s`` is the duration of the call in seconds, including retries.
    """

    call: Call
    status: int
    headers: Mapping[str, str] = field(repr=False)  # names are case-insensitive; some proxies send lower case
    data: Any = field(default=None, repr=False)
    elapsed_s: float = 0.0
    from_cache: bool = False
    body: bytes = field(default=b"", repr=False)  # decompressed; empty for a stream
    stale: bool = False  # expired, but used because the request failed

    @property
    def etag(self) -> Optional[str]:
        """The value for ``If-Match``, or None if the response has no ETag."""
        raw = self.headers.get("ETag")
        return None if raw is None else clean_etag(raw)


# Apache's mod_deflate appends "-gzip" to the ETag of a response it compresses. Sent back, such an ETag leads to a 412.
_SUFFIX = re.compile(r'(?:-gzip|-br|;gzip)(?="?$)')


_VALID_ETAG = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


def require_etag(etag: str) -> str:
    """Return ``etag``. Raises ValueError if it cannot be sent in a header."""
    if not isinstance(etag, str) or not _VALID_ETAG.fullmatch(etag):
        raise ValueError(f"an ETag must be a string of printable ASCII such as '\"1f6b0d\"', not {etag!r}")
    return etag


def clean_etag(raw: str) -> str:
    """Return the ETag as Checkmk computed it, without ``W/`` and without suffixes added by web servers."""
    raw = raw.strip()
    if raw.startswith("W/"):
        raw = raw[2:]
    return _SUFFIX.sub("", raw)
