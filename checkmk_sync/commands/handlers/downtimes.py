"""The code of the commands for downtimes, acknowledgements and comments."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple, Optional

from ...catalogue.paths import host_name
from ...client.checkmk import Checkmk
from ...client.nouns.command_journal import times_in
from ...client.nouns.commanding import Commands
from ...client.nouns.downtimes import Downtime
from ...client.outcomes import Outcome, Outcomes
from ...client.query import Filter
from ...client.targets import MonitoredObject, Target
from ...client.times import parse_moment
from ...core.grouping import grouped
from ...core.text import name_line, pluralize, read_name_line
from ...errors import CheckmkError
from ..command import Preview, Row, Watch
from .outcomes import counted, counter
from .search import matching

_KINDS: Mapping[str, Callable[[Any], Target]] = {
    "host_group": Target.host_group,
    "service_group": Target.service_group,
    "host_query": lambda query: Target.matching_hosts(Filter(query)),
    "service_query": lambda query: Target.matching_services(Filter(query)),
}
_SELECTION = ("objects", *_KINDS, "id", "site")
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
    try:
        cells = read_name_line(text)
    except ValueError:  # not valid JSON in quotation marks
        cells = []
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
        target = _KINDS[given[0]](value)
        target.on_entries()  # raises ValueError for a malformed query, which would crash the site
        return [target]
    named = [_name(text).of for text in value]
    parts = ([entry for entry in named if bool(entry.service) is is_service] for is_service in (False, True))
    return [Target.objects(part) for part in parts if part]


def _split(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments that select objects, and the options of the command."""
    selection = {name: value for name, value in arguments.items() if name in _SELECTION}
    return selection, {name: value for name, value in arguments.items() if name not in _SELECTION}


def _fixed(names: Iterable[str]) -> dict[str, Any]:
    """Return the selection of exactly these objects or entries."""
    return {**dict.fromkeys(_KINDS), "objects": list(names)}


def _entries(noun: Any, selection: dict[str, Any]) -> Iterator[Any]:
    """Yield the downtimes, comments or acknowledgements that were selected, or all of them."""
    targets = _targets(selection) if any(selection.values()) else [None]
    names = [_name(text) for text in selection.get("objects") or ()]
    # An acknowledgement has no ID, so a name with one stands for its object.
    any_entry = {name.of for name in names if not name.entry or noun.noun == "acknowledgements"}
    known = {(name.of, *name.entry) for name in names if name.entry}
    for target in targets:
        for entry in noun.each(target):
            if not names or entry.object in any_entry or (entry.object, entry.site, entry.id) in known:
                yield entry


def _selected(noun: Any, selection: dict[str, Any]) -> list[Any]:
    """Return the downtimes or comments that were selected, by their ID or by their objects."""
    ident, site = selection.pop("id"), selection.pop("site")
    if ident is None:
        _targets(selection)  # raises ValueError if nothing is selected
        return [entry for entry in _entries(noun, selection) if site in (None, entry.site)]
    if any(selection.values()):
        raise ValueError("give either an ID, or the names of hosts or services")
    return [noun.get(ident, site=site, fresh=True)]


def send(
    kind: str, method: str, verb: str, client: Checkmk, /, *, watch: Optional[Watch] = None, **arguments: Any
) -> Row:
    """Send a command for each target, and return the number of objects. Raises BatchError unless all were applied."""
    selection, options = _split(arguments)
    outcomes: list[Outcome] = []
    targets = _targets(selection)
    if watch is not None:
        options["progress"] = counter(watch, kind, sum(len(target.named) for target in targets))
    for target in targets:
        try:
            outcomes += getattr(getattr(client, kind), method)(target, **options)
        except CheckmkError as error:
            if not outcomes:
                raise
            outcomes += [Outcome.failed(str(of), error) for of in target.named]
    return counted(verb, Outcomes(outcomes))


def _lines(objects: Iterable[MonitoredObject]) -> list[str]:
    """Return a line for each host: its name, or the host and its services."""
    by_host = grouped((of.host, of.service) for of in sorted(objects))
    lines = []
    for host, services in by_host.items():
        lines += [host] if "" in services else []
        named = ", ".join(filter(None, services))
        lines += [f"{host}: {named}"] if named else []
    return lines


def preview(kind: str, what: str, column: str, client: Checkmk, /, **arguments: Any) -> Preview:
    """Return a preview with the monitored objects. The command is limited to these.

    Objects without a true ``column`` are left out. Raises ValueError if no object is left.
    """
    selection, options = _split(arguments)
    targets = _targets(selection)
    noun: Commands = getattr(client, kind)
    children = options.get("include_children", False)
    rows: dict[MonitoredObject, Any] = {}
    for target in targets:
        rows.update(noun.objects(target, [column] if column else [], include_children=children))
    changed = [of for of, row in rows.items() if not column or row[column]]
    missing = [of for target in targets for of in target.named if of not in rows]
    lines = _lines(changed)
    lines += [f"not monitored: {', '.join(map(str, missing))}"] if missing else []
    left = sorted(map(str, rows.keys() - set(changed)))
    lines += [f"nothing to do for: {', '.join(left)}"] if left else []
    if not changed:  # the state can change after the preview, and nobody would have seen the object
        raise ValueError("; ".join(lines))
    fixed = _fixed(name_line(of) for of in (*changed, *missing))
    summary = what.format(objects=pluralize(len(changed), "object"), **options) + "."
    return Preview(summary, tuple(lines), lines, fixed, too_long=_TOO_LONG)


def change(
    kind: str, method: str, verb: str, client: Checkmk, /, *, watch: Optional[Watch] = None, **arguments: Any
) -> Row:
    selection, options = _split(arguments)
    noun = getattr(client, kind)
    entries = _selected(noun, selection)
    if watch is not None:
        options["progress"] = counter(watch, kind, len(entries))
    return counted(verb, getattr(noun, method)(entries, **options))


def preview_change(kind: str, what: str, client: Checkmk, /, **arguments: Any) -> Preview:
    """Return a preview with downtimes or comments. The command is limited to these."""
    noun = getattr(client, kind)
    entries = _selected(noun, _split(arguments)[0])
    lines = [f"{e.object} #{e.id} on {e.site}, by {e.author}: {e.comment}{_period(e)}" for e in entries]
    names = [name_line((*e.object, e.site, e.id)) for e in entries]
    fixed = {**_fixed(names), "id": None, "site": None} if names else {}
    summary = f"{what} {pluralize(len(entries), noun.noun.removesuffix('s'))}."
    return Preview(summary, tuple(lines), lines, fixed, needs_approval=bool(entries), too_long=_TOO_LONG)


def preview_modify(client: Checkmk, **arguments: Any) -> Preview:
    given = {name: arguments[name] for name in ("end", "extend", "comment") if arguments[name] is not None}
    if not given:
        raise ValueError("nothing to change: give --until, --extend or --comment")
    what = f"Change ({', '.join(f'{name}: {value}' for name, value in given.items())})"
    return preview_change("downtimes", what, client, **arguments)


def preview_create(client: Checkmk, **arguments: Any) -> Preview:
    """Return a preview of new downtimes. The person approves their end, and exactly these children."""
    start, zone = arguments["start"], arguments["zone"]
    journal = arguments.get("journal")  # tools have no journal
    _check_kinds(journal, arguments)
    kept = times_in(journal) if journal else None
    if kept is None:
        now = dt.datetime.now(dt.timezone.utc)
        first = parse_moment(start, now, zone)
        last = parse_moment(arguments["end"], now, zone, first).isoformat()
        start = start if start == "now" else first.isoformat()
    else:  # the times of the run that was killed
        start, last = (dt.datetime.fromtimestamp(time, dt.timezone.utc).isoformat() for time in kept)
    what = "Ensure" if arguments["ensure"] or journal else "Schedule"
    found = preview("downtimes", f"{what} a downtime from {start} to {last} for {{objects}}", "", client, **arguments)
    limits = {"end": last, "start": start, "include_children": False}
    return replace(found, fixed_arguments={**found.fixed_arguments, **limits})


def _check_kinds(journal: Optional[str], arguments: Mapping[str, Any]) -> None:
    # The first of two calls would remove the journal, or be sent before the second one is refused.
    if (journal or arguments["include_children"]) and len(_targets(_split(arguments)[0])) > 1:
        raise ValueError("with a journal or with children, give either hosts or services, not both")


def create(client: Checkmk, ensure: bool, journal: Optional[str] = None, **arguments: Any) -> Row:
    _check_kinds(journal, arguments)
    if journal is not None:
        return send("downtimes", "ensure", "created", client, journal=journal, **arguments)
    return send("downtimes", "ensure" if ensure else "create", "created", client, **arguments)


def list_all(kind: str, client: Checkmk, /, search: Optional[str], **selection: Any) -> Iterator[Row]:
    return matching(map(_row, _entries(getattr(client, kind), selection)), search, *_SEARCHED)


def _row(entry: Any) -> Row:
    values = {field.name: getattr(entry, field.name) for field in fields(entry)}
    of = values.pop("object")
    return {"host": of.host, "service": of.service, **{name: _plain(value) for name, value in values.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value) if isinstance(value, dt.timedelta) else value


def _period(entry: Any) -> str:
    return f" ({entry.start.isoformat()} to {entry.end.isoformat()})" if isinstance(entry, Downtime) else ""
