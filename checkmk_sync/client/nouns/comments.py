"""Adds, lists and deletes comments."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence, Union

from ..outcomes import Outcomes, Progress
from ..payload import typed
from ..resource import writes
from ..targets import MonitoredObject, Target
from .commanding import Proof, Step, Waiting, commands_for, entries_of, one_line
from .core_entries import CoreEntries, Entry, shared_values, time_of

COMMENTS = "comments_with_extra_info"


@dataclass(frozen=True)
class Comment(Entry):
    """A comment on a host, or on a service.

    ``id`` is unique within the ``site``. ``object`` is the host or service. ``host`` and ``service`` are its names;
    ``service`` is None for a host. ``persistent`` comments survive a restart of the core. ``time`` has a time zone.
    """

    persistent: bool
    time: dt.datetime

    @classmethod
    def parse(cls, data: Any) -> Comment:
        """Return the record of a comment of the API. Raises UnexpectedReplyError if it is malformed."""
        persistent, is_service = (typed(bool, data, "extensions", name) for name in ("persistent", "is_service"))
        return cls(*shared_values(data, is_service), persistent, time_of(data, "entry_time"))


class Comments(CoreEntries[Comment]):
    """Comments on hosts and services, as ``client.comments``.

    >>> cmk.comments.create("web01", "replaced the fan")
    >>> cmk.comments.create(Target.services("web01", "CPU load"), "see ticket 4711")
    """

    noun, record = "comments", Comment
    _type, _id, _ids, _list_path = "comment", int, "comments", {"collection_name": "all"}

    @writes
    def create(
        self,
        target: Union[Target, str],
        comment: str,
        *,
        persistent: bool = False,
        wait: bool = True,
        timeout_s: float = 30.0,
        progress: Optional[Progress] = None,
    ) -> Outcomes:
        """Add a comment to each object of a target, and return an outcome for each, as for :class:`Downtimes`.

        Raises NotFoundError if no object is monitored.
        """
        text = one_line(comment)
        before, known = self._resolve(target, (COMMENTS,))
        author = self._site.settings.username

        def step(entry: MonitoredObject) -> Step:
            return Step(str(entry), entry, new_comment(before[entry], author, text))

        commands = commands_for(before, "comment_type", {"comment": text, "persistent": persistent}, step)
        return self._execute(commands, (COMMENTS,), Waiting(wait, timeout_s, progress), known, adds=True)

    def _selector(self, verb: str, site: str, part: Sequence[Comment]) -> dict[str, Any]:
        selector = super()._selector(verb, site, part)
        # CHECKMK_API: 2.2 needs the site for every selector, and later versions refuse it for a query.
        return selector if self._site.version().at_least("2.3.0b1") else {**selector, "site_id": site}


def new_comment(before: Mapping[str, Any], author: str, text: str) -> Proof:
    """Return a proof: a comment that was not in the row ``before``."""
    old = {found[0] for found in entries_of(before, COMMENTS, 5)}

    def proof(row: Mapping[str, Any]) -> Optional[str]:
        new = (found for found in entries_of(row, COMMENTS, 5) if found[0] not in old and found[1:3] == [author, text])
        return next((f"comment {found[0]}" for found in new), None)

    return proof
