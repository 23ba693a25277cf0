"""Downtimes and comments: entries of the monitoring core that can be listed, read by their ID, and deleted."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import operator
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Iterable, Mapping, Optional, Sequence, TypeVar, Union

from ...core.arguments import require_type
from ...errors import UnexpectedReplyError
from ...streaming import Blocks, Received, Stream
from ..outcomes import Outcomes, Progress
from ..payload import typed
from ..query import Filter, column, everything
from ..resource import Listing, writes
from ..targets import MonitoredObject, ObjectRecord, Target
from .commanding import Command, Commands, Step, Waiting, parts
from .monitoring import MAX_QUERY_CHARS, NAMES_PER_QUERY, query_length


@dataclass(frozen=True)
class Entry(ObjectRecord):
    """The base class of the records of downtimes and comments. ``id`` is unique within the ``site``."""

    PARTS: ClassVar = ("id", "extensions")

    id: str
    site: str
    comment: str
    author: str


E = TypeVar("E", bound=Entry)
Selection = Union[Target, Filter, E, Iterable[E], str, None]


class CoreEntries(Commands, Listing[E]):
    """The base class of the nouns for downtimes and comments."""

    _type: ClassVar[str]  # the prefix of the ID in bodies
    _id: ClassVar[type[Union[str, int]]] = str  # the type of the ID in bodies
    _ids: ClassVar[str]  # the column of hosts and services with the IDs of their downtimes or comments
    _list_path: ClassVar[Mapping[str, str]] = {}

    def _parse_all(self, items: list[Any]) -> list[E]:
        return list(map(self.record.parse, items))

    def each(self, which: Union[Target, Filter, str, None] = None, *, site: Optional[str] = None) -> Stream[E]:
        """Return a stream of downtimes or comments, which are decoded while the response arrives.

        * ``which`` is a target, the name of a host, or a :class:`.Filter` on the table ``downtimes`` or ``comments``.
          Without it, the stream contains all of them. A host does not include its services.
        * ``site`` is the ID of a site. Checkmk silently omits a site that is down.
        """
        target = None if which is None or isinstance(which, Filter) else Target.of(which)
        query = which if isinstance(which, Filter) else everything() if target is None else target.on_entries()
        request = {"query": query.to_dict() or None, "site_id": site}

        def blocks(received: Received) -> Blocks[E]:
            if target is None or query_length(request) <= MAX_QUERY_CHARS:
                yield from self._list(received, path=self._list_path, query=request)
                return
            # The query is too long for a URL, and the API has no form of this request by POST.
            objects = self._rows(target, ())
            with contextlib.closing(self._list(received, path=self._list_path, query={"site_id": site})) as lists:
                yield from ([entry for entry in entries if entry.object in objects] for entries in lists)

        return Stream(blocks)

    def get(self, ident: Union[str, int], *, site: Optional[str] = None, fresh: bool = False) -> E:
        """Return the downtime or comment with this ID. Raises NotFoundError if it does not exist.

        IDs are unique only within a site. ``site`` is the ID of the site (default: the central site).
        """
        path, query = {"key": str(ident)}, {"site_id": site or self._site.settings.site}
        entry: E = self._read(self.record.parse, "get", path=path, query=query, fresh=fresh)
        return entry

    def _selected(self, which: Selection[E], ident: Any, site: Any) -> list[E]:
        if ident is not None:
            if which is not None:
                raise ValueError(f"give either an id, or a target, a query or {self.noun}")
            return [self.get(ident, site=site, fresh=True)]
        if isinstance(which, (Target, Filter, str)):
            return list(self.each(which, site=site))
        if which is None:
            raise ValueError(f"give an id, a target, a query or {self.noun}")
        entries: list[E] = [which] if isinstance(which, Entry) else list(which)
        for entry in entries:  # the ID of a comment can be that of a downtime
            require_type(entry, self.record, f"which must be a target, a query, or {self.noun} as each() returns them")
        return entries

    @writes
    def delete(
        self,
        which: Selection[E] = None,
        *,
        id: Union[str, int, None] = None,  # noqa: A002 - the word of the API
        site: Optional[str] = None,
        wait: bool = True,
        timeout_s: float = 30.0,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Delete downtimes or comments, and return an outcome for each.

        >>> cmk.downtimes.delete("web01")
        >>> cmk.comments.delete(id=5)

        ``which`` selects them as for :meth:`each`, or is one or more records. They are read first, and only these are
        deleted. The result is empty if nothing matches. Raises NotFoundError if the ``id`` does not exist.
        """
        entries = self._selected(which, id, site)
        waiting = Waiting(wait, timeout_s, progress)
        return self._execute(self._for_entries("delete", entries, {}, self._is_deleted), (self._ids,), waiting)

    def _is_deleted(self, entry: E, row: Mapping[str, Any]) -> Optional[str]:
        # If the site of the object is down, the object has no row, and nothing is proven.
        return None if int(entry.id) in row[self._ids] else ""

    def _for_entries(self, verb: str, entries: Sequence[E], body: Mapping[str, Any], proof: Any) -> list[Command]:
        """Return the requests that apply ``body`` to exactly these entries, in each site."""
        found = []
        ordered = sorted({(e.site, e.object, e.id): e for e in entries}.items())
        by_site: dict[str, list[E]] = {}
        for (site, _, _), entry in ordered:
            by_site.setdefault(site, []).append(entry)
        for site, of_site in by_site.items():
            for part in parts(of_site, NAMES_PER_QUERY):
                steps = [Step(f"{e.object} #{e.id}", e.object, functools.partial(proof, e)) for e in part]
                found.append(Command(verb, {**self._selector(verb, site, part), **body}, steps))
        return found

    def _selector(self, verb: str, site: str, part: Sequence[E]) -> dict[str, Any]:
        if len(part) == 1:
            return {f"{verb}_type": "by_id", f"{self._type}_id": self._id(part[0].id), "site_id": site}
        return {f"{verb}_type": "query", "query": entries_query((entry.object, int(entry.id)) for entry in part)}


def entries_query(ids: Iterable[tuple[MonitoredObject, int]]) -> dict[str, Any]:
    """Return the query for exactly these downtimes or comments."""
    # IDs are unique only within a site, and a host belongs to one site.
    single = ((column("host_name") == of.host) & (column("id") == ident) for of, ident in ids)
    return functools.reduce(operator.or_, single).to_dict()


def shared_values(data: Any, is_service: bool) -> tuple[MonitoredObject, str, str, str, str]:
    """Return the values of :class:`Entry` in an answer. Raises UnexpectedReplyError if it is malformed."""
    site, host, comment, author = (
        typed(str, data, "extensions", name) for name in ("site_id", "host_name", "comment", "author")
    )
    service = typed(str, data, "extensions", "service_description") if is_service else ""
    return MonitoredObject(host, service), typed(str, data, "id"), site, comment, author


def time_of(data: Any, name: str) -> dt.datetime:
    """Return a time in an answer. Raises UnexpectedReplyError if it is not valid."""
    try:
        moment = dt.datetime.fromisoformat(re.sub("Z$", "+00:00", typed(str, data, "extensions", name)))
    except ValueError:
        raise UnexpectedReplyError(f"{name!r} in the answer is not a valid time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
