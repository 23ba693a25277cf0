"""The code of the commands for downtimes, acknowledgements and comments."""

from __future__ import annotations

import datetime as dt
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence, Union

from ...catalogue.paths import host_name
from ...client.checkmk import Checkmk
from ...client.nouns.commanding import Commands
from ...client.nouns.comments import Comment, Comments
from ...client.nouns.downtimes import Downtime, Downtimes
from ...client.outcomes import Outcome, Outcomes
from ...client.query import Filter
from ...client.targets import MonitoredObject, Target
from ...client.times import parse_moment
from ...core.grouping import grouped
from ...core.text import name_line, pluralize, read_name_line
from ...errors import BatchError, CheckmkError
from ..command import Preview, Row
from .search import matching

Entry = Union[Downtime, Comment]
_KINDS: Mapping[str, Callable[[Any], Target]] = {
    "host_group": Target.host_group,
    "service_group": Target.service_group,
    "host_query": lambda query: Target.matching_hosts(Filter(query)),
    "service_query": lambda query: Target.matching_services(Filter(query)),
}
_SEARCHED = ("host", "service", "author", "comment")
_TOO_LONG = "Use fewer objects per call."


class _Name(NamedTuple):
    """The name of a host or a service, or of one of its downtimes or comments."""

    of: MonitoredObject
    entry: tuple[str, ...] = ()  # the site and the ID


def _name(text: str) -> _Name:
    """Return the name in a text such as ``web01/CPU load``, or in a line of ``-o name``."""
    if "\t" not in text:
        host, slash, service = text.partition("/")
        if slash and not service:
            raise ValueError(f"{text!r} does not name a service after the slash")
        return _Name(MonitoredObject(host_name(host), service))
    cells = read_name_line(text)
    if len(cells) not in (2, 4):
        raise ValueError(f"{text!r} does not name an object; print the list with -o name")
    return _Name(MonitoredObject(host_name(cells[0]), cells[1]), tuple(cells[2:]))


def _targets(selection: Mapping[str, Any]) -> list[Target]:
    """Return the targets that were given: one, or one for hosts and one for services."""
    given = [kind for kind, value in selection.items() if value]
    if len(given) != 1:
        kinds = "--host-group, --service-group, --host-query or --service-query"
        raise ValueError(f"give either the names of hosts or services, or one of {kinds}")
    value = selection[given[0]]
    if given != ["objects"]:
        return [_KINDS[given[0]](value)]
    named = [_name(text).of for text in value]
    parts = ([entry for entry in named if bool(entry.service) is is_service] for is_service in (False, True))
    return [Target.objects(part) for part in parts if part]


def _fixed(names: Iterable[str]) -> dict[str, Any]:
    """Return the selection of exactly these objects or entries."""
    return {**dict.fromkeys(_KINDS), "objects": list(names)}


def _entries(noun: Any, selection: dict[str, Any]) -> Iterator[Any]:
    """Yield the downtimes, comments or acknowledgements that were selected, or all of them."""
    targets = _targets(selection) if any(selection.values()) else [None]
    names = [_name(text) for text in selection.get("objects") or ()]
    any_entry = {name.of for name in names if not name.entry}
    known = {(name.of, *name.entry) for name in names if name.entry}
    for target in targets:
        for entry in noun.each(target):
            if not names or entry.of in any_entry or (entry.of, entry.site, entry.id) in known:
                yield entry


def _selected(noun: Any, id: Optional[str], site: Optional[str], selection: dict[str, Any]) -> list[Any]:  # noqa: A002
    if id is None:
        _targets(selection)  # at least one is needed
        return [entry for entry in _entries(noun, selection) if site in (None, entry.site)]
    if any(selection.values()):
        raise ValueError("give either an ID, or the names of hosts or services")
    return [noun.get(id, site=site, fresh=True)]


def _send(verb: str, targets: Sequence[Target], send: Callable[[Target], Outcomes]) -> Row:
    """Send a command for each target, and return the number of objects. Raises BatchError unless all were applied."""
    outcomes: list[Outcome] = []
    for target in targets:
        try:
            outcomes += send(target)
        except CheckmkError as error:
            if not outcomes:
                raise
            outcomes += [Outcome.failed(str(of), error) for of in target.named]
    return _done(verb, Outcomes(outcomes))


def _done(verb: str, outcomes: Outcomes) -> Row:
    if not outcomes.ok:
        failed = [*outcomes.not_applied, *outcomes.unknown]
        lines = [f"{outcome.key}: {outcome.status.value}: {outcome.reason}" for outcome in failed]
        if len(outcomes) > 1:
            lines.insert(0, f"{len(outcomes.applied)} of {len(outcomes)} {verb}; the others:")
        raise BatchError(*lines, outcomes=outcomes)
    return {verb: len(outcomes)}


def _lines(objects: Iterable[MonitoredObject]) -> list[str]:
    """Return a line for each host: its name, or the host and its services."""
    by_host = grouped((of.host, of.service) for of in sorted(objects))
    lines = []
    for host, services in by_host.items():
        lines += [host] if "" in services else []
        named = ", ".join(filter(None, services))
        lines += [f"{host}: {named}"] if named else []
    return lines


def _preview(noun: Commands, what: str, selection: dict[str, Any], column: str = "", **options: Any) -> Preview:
    """Return a preview with the monitored objects. The command is limited to these.

    Objects without a true ``column`` are left out. Raises ValueError if no object is left.
    """
    targets = _targets(selection)
    rows: dict[MonitoredObject, Any] = {}
    for target in targets:
        rows.update(noun.objects(target, [column] if column else [], **options))
    changed = [of for of, row in rows.items() if not column or row[column]]
    missing = [of for target in targets for of in target.named if of not in rows]
    lines = _lines(changed)
    lines += [f"not monitored: {', '.join(map(str, missing))}"] if missing else []
    left = sorted(map(str, rows.keys() - set(changed)))
    lines += [f"nothing to do for: {', '.join(left)}"] if left else []
    if not changed:  # the state can change after the preview, and nobody would have seen the object
        raise ValueError("; ".join(lines))
    fixed = _fixed(name_line(of) for of in (*changed, *missing))
    summary = f"{what} {pluralize(len(changed), 'object')}."
    return Preview(summary, tuple(lines), lines, fixed, too_long=_TOO_LONG)


def _preview_entries(noun: Any, what: str, arguments: dict[str, Any]) -> Preview:
    """Return a preview with downtimes or comments. The command is limited to these."""
    entries = _selected(noun, arguments.pop("id"), arguments.pop("site"), arguments)
    lines = [f"{e.of} #{e.id} on {e.site}, by {e.author}: {e.comment}{_period(e)}" for e in entries]
    names = [name_line((*e.of, e.site, e.id)) for e in entries]
    fixed = {**_fixed(names), "id": None, "site": None} if entries else {}
    summary = f"{what} {pluralize(len(entries), noun.noun.removesuffix('s'))}."
    return Preview(summary, tuple(lines), lines, fixed, needs_approval=bool(entries), too_long=_TOO_LONG)


def _period(entry: Entry) -> str:
    return f" ({entry.start.isoformat()} to {entry.end.isoformat()})" if isinstance(entry, Downtime) else ""


def _row(entry: Entry) -> Row:
    named = {"host": entry.of.host, "service": entry.of.service, "site": entry.site, "id": entry.id}
    return {**named, "author": entry.author, "comment": entry.comment}


def list_downtimes(client: Checkmk, search: Optional[str], **selection: Any) -> Iterator[Row]:
    def row(entry: Downtime) -> Row:
        minutes = None if entry.flexible is None else int(entry.flexible.total_seconds() // 60)
        times = {"start": entry.start.isoformat(), "end": entry.end.isoformat()}
        return {**_row(entry), **times, "recurring": entry.recurring, "flexible_minutes": minutes}

    return matching(map(row, _entries(client.downtimes, selection)), search, *_SEARCHED)


def list_comments(client: Checkmk, search: Optional[str], **selection: Any) -> Iterator[Row]:
    def row(entry: Comment) -> Row:
        return {**_row(entry), "time": entry.time.isoformat(), "persistent": entry.persistent}

    return matching(map(row, _entries(client.comments, selection)), search, *_SEARCHED)


def list_acknowledgements(client: Checkmk, search: Optional[str], **selection: Any) -> Iterator[Row]:
    def row(entry: Any) -> Row:
        time = None if entry.time is None else entry.time.isoformat()
        about = {"sticky": entry.sticky, "author": entry.author, "comment": entry.comment, "time": time}
        return {"host": entry.of.host, "service": entry.of.service, **about}

    # An acknowledgement has no ID, so a name with one stands for its object.
    names = [name_line(_name(text).of) for text in selection["objects"]]
    entries = _entries(client.acknowledgements, {**selection, "objects": names})
    return matching(map(row, entries), search, *_SEARCHED)


_TIMES = ("end", "start", "zone")
_OPTIONS = ("comment", "flexible", "recur", "include_children")


def create_downtimes(client: Checkmk, **arguments: Any) -> Row:
    options = {name: arguments.pop(name) for name in (*_TIMES, *_OPTIONS)}
    return _send("created", _targets(arguments), lambda target: client.downtimes.create(target, **options))


def preview_create_downtimes(client: Checkmk, **arguments: Any) -> Preview:
    end, start, zone = (arguments.pop(name) for name in _TIMES)
    options = {name: arguments.pop(name) for name in _OPTIONS}
    first = parse_moment(start, dt.datetime.now(dt.timezone.utc), zone)
    last = parse_moment(end, first, zone).isoformat()
    what = f"Schedule a downtime from {'now' if start == 'now' else first.isoformat()} to {last} for"
    found = _preview(client.downtimes, what, arguments, include_children=options["include_children"])
    # The person approves this end, and exactly these children.
    limits = {"end": last, "start": start if start == "now" else first.isoformat(), "include_children": False}
    return Preview(found.summary, found.details, found.facts, {**found.fixed_arguments, **limits}, too_long=_TOO_LONG)


def _changes(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: arguments.pop(name) for name in ("end", "extend", "comment", "zone")}


def modify_downtimes(client: Checkmk, id: Optional[str], site: Optional[str], **arguments: Any) -> Row:  # noqa: A002
    changes = _changes(arguments)
    entries = _selected(client.downtimes, id, site, arguments)
    return _done("modified", client.downtimes.modify(entries, **changes))


def preview_modify_downtimes(client: Checkmk, **arguments: Any) -> Preview:
    given = {name: value for name, value in _changes(arguments).items() if value is not None}
    if not given:
        raise ValueError("nothing to change: give --until, --extend or --comment")
    shown = ", ".join(f"{name} {value!r}" for name, value in given.items())
    return _preview_entries(client.downtimes, f"Change ({shown})", arguments)


def _delete(noun: Union[Downtimes, Comments], id: Optional[str], site: Optional[str], selection: Any) -> Row:  # noqa: A002
    return _done("deleted", noun.delete(_selected(noun, id, site, selection)))


def delete_downtimes(client: Checkmk, id: Optional[str], site: Optional[str], **selection: Any) -> Row:  # noqa: A002
    return _delete(client.downtimes, id, site, selection)


def preview_delete_downtimes(client: Checkmk, **arguments: Any) -> Preview:
    return _preview_entries(client.downtimes, "Delete", arguments)


def delete_comments(client: Checkmk, id: Optional[str], site: Optional[str], **selection: Any) -> Row:  # noqa: A002
    return _delete(client.comments, id, site, selection)


def preview_delete_comments(client: Checkmk, **arguments: Any) -> Preview:
    return _preview_entries(client.comments, "Delete", arguments)


def create_comments(client: Checkmk, comment: str, persistent: bool, **selection: Any) -> Row:
    return _send(
        "created",
        _targets(selection),
        lambda target: client.comments.create(target, comment, persistent=persistent),
    )


def preview_create_comments(client: Checkmk, comment: str, **arguments: Any) -> Preview:
    del arguments["persistent"]
    return _preview(client.comments, f"Add the comment {comment!r} to", arguments)


_ACKNOWLEDGING = ("comment", "expires", "zone", "sticky", "notify", "persistent")


def acknowledge(client: Checkmk, **arguments: Any) -> Row:
    options = {name: arguments.pop(name) for name in _ACKNOWLEDGING}
    return _send("acknowledged", _targets(arguments), lambda target: client.acknowledgements.set(target, **options))


def preview_acknowledge(client: Checkmk, **arguments: Any) -> Preview:
    options = {name: arguments.pop(name) for name in _ACKNOWLEDGING}
    what = f"Acknowledge with the comment {options['comment']!r} the problems of"
    return _preview(client.acknowledgements, what, arguments, "state")


def unacknowledge(client: Checkmk, **selection: Any) -> Row:
    return _send("unacknowledged", _targets(selection), client.acknowledgements.remove)


def preview_unacknowledge(client: Checkmk, **selection: Any) -> Preview:
    return _preview(client.acknowledgements, "Remove the acknowledgements of", selection, "acknowledged")
