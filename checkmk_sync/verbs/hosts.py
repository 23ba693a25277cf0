"""Verbs of hosts."""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterator, Mapping, Optional, Sequence

from ..client import Checkmk
from ..credentials import masked
from ..errors import BatchError
from ..names import OWNER_LABEL, counted, folder_path, host_name
from ..outcomes import Outcomes
from ..query import unhandled_host_problems
from ..records import Host, HostStatus
from . import previews
from .attributes import ATTRIBUTE, LABEL, settings_fields, settings_of
from .verb import LIMIT, Argument, Field, Listing, Row, Verb, limited, search_pattern

__all__ = ["HOST_VERBS"]


def _host_row(host: Host) -> Row:
    row: Row = {"name": host.name, "folder": host.folder, **settings_of(host)}
    if host.effective_attributes is not None:
        row["effective_attributes"] = dict(host.effective_attributes)
    return row


def _host_line(row: Row) -> Row:
    """The columns of a host in a table."""
    attributes, owner = row["attributes"], row["owner"]
    labels = row["labels"] if owner is None else {**row["labels"], OWNER_LABEL: owner}
    shown = " ".join(f"{key}:{masked(value, key)}" for key, value in sorted(labels.items()))
    named = {name: attributes.get(name) for name in ("ipaddress", "alias")}
    return {"name": row["name"], "folder": row["folder"], **named, "labels": shown}


def _list_hosts(client: Checkmk, folder: Optional[str], search: Optional[str], limit: Optional[int]) -> Iterator[Row]:
    return map(_host_row, limited(client.hosts.each(folder=folder, search=search), limit))


def _get_host(client: Checkmk, name: str, effective: bool) -> Row:
    return _host_row(client.hosts.get(name, effective_attributes=effective))


def _create_host(
    client: Checkmk, name: str, folder: str, attribute: Mapping[str, Any], label: Mapping[str, str]
) -> Row:
    labels = {"labels": label} if label else {}
    return _host_row(client.hosts.create(name, folder, {**attribute, **labels}))


def _update_host(
    client: Checkmk,
    name: str,
    attribute: Mapping[str, Any],
    label: Mapping[str, str],
    remove: Sequence[str],
    remove_label: Sequence[str],
) -> Row:
    if not (attribute or label or remove or remove_label):
        raise ValueError("nothing to change: give --attribute, --label, --remove or --remove-label")

    def change(attributes: dict[str, Any]) -> Mapping[str, Any]:
        kept = {key: value for key, value in {**attributes, **attribute}.items() if key not in remove}
        if label or remove_label:
            wanted = {**kept.get("labels", {}), **label}
            left = {key: value for key, value in wanted.items() if key not in remove_label}
            if left != kept.get("labels", {}):
                kept["labels"] = left
        return kept

    return _host_row(client.hosts.update(name, change))


def _delete_hosts(client: Checkmk, names: Sequence[str]) -> Row:
    return _outcome_row(client.hosts.bulk_delete(list(dict.fromkeys(names))))


def _outcome_row(outcomes: Outcomes) -> Row:
    """Counts; BatchError when not everything was applied."""
    if not outcomes.ok:
        lines = [f"{o.key}: {o.status.value}: {o.reason}" for o in (*outcomes.not_applied, *outcomes.unknown)]
        if len(outcomes) > 1:
            lines.insert(0, f"{len(outcomes.applied)} of {counted(len(outcomes), 'host')} applied; the others:")
        raise BatchError("\n".join(lines), outcomes=outcomes)
    return {"applied": len(outcomes.applied)}


_STATUS_COLUMNS = ("plugin_output", "num_services", "acknowledged", "scheduled_downtime_depth")


def _status_row(host: HostStatus) -> Row:
    columns = {column: host[column] for column in _STATUS_COLUMNS}
    return {"name": host.name, "state": host.state.name, **columns}


def _host_states(client: Checkmk, search: Optional[str], limit: Optional[int]) -> Iterator[Row]:
    return map(_status_row, limited(client.host_status.each(search=search, columns=_STATUS_COLUMNS), limit))


def _host_problems(client: Checkmk, limit: Optional[int]) -> Listing:
    found = client.host_status.each(query=unhandled_host_problems(), columns=_STATUS_COLUMNS)
    rows = sorted(map(_status_row, found), key=lambda row: (row["state"], row["name"]))
    return Listing(limited(rows, limit), Counter(row["state"].lower() for row in rows))


_NAME = Argument("name", "Name of the host.", required=True, check=host_name, example="web01")
_SEARCH = Argument("search", "Only names that fit a pattern such as 'web*'.", check=search_pattern, example="web*")
_HOST = (
    Field("name", "Name of the host."),
    Field("folder", "The folder it lies in."),
    *settings_fields("host"),
)
_STATUS = (
    Field("name", "Name of the host."),
    Field("state", "UP, DOWN, UNREACHABLE or PENDING."),
    Field("num_services", "How many services it has.", int),
    Field("plugin_output", "What the check said.", foreign=True),
    Field("acknowledged", "1 when somebody has acknowledged the problem.", int),
    Field("scheduled_downtime_depth", "More than 0 while it is in a downtime.", int),
)

HOST_VERBS = (
    Verb(
        "hosts",
        "list",
        "List configured hosts.",
        "checkmk-sync hosts list --folder /linux --limit 20",
        _list_hosts,
        (Argument("folder", "Only hosts directly in this folder.", check=folder_path), _SEARCH, LIMIT),
        ("name", "folder", "ipaddress", "alias", "labels"),
        fields=(
            *_HOST[:2],
            Field("ipaddress", "Its address.", Optional[str], foreign=True),
            Field("alias", "What people call it.", Optional[str], foreign=True),
            Field("labels", "Its own labels, as key:value.", foreign=True),
        ),
        line=_host_line,
        tool="stream_hosts",
    ),
    Verb(
        "hosts",
        "get",
        "Show one host.",
        "checkmk-sync hosts get web01 --effective",
        _get_host,
        (_NAME, Argument("effective", "Also show inherited and default attributes.", bool, default=False)),
        fields=(
            *_HOST,
            Field(
                "effective_attributes",
                "With inherited and default ones, if asked for.",
                Optional[dict[str, Any]],
                foreign=True,
            ),
        ),
    ),
    Verb(
        "hosts",
        "create",
        "Create a host (not active until the next activation).",
        "checkmk-sync hosts create web01 --folder /linux --attribute ipaddress=192.0.2.10 --label env=prod",
        _create_host,
        (_NAME, Argument("folder", "Folder to create it in.", default="/", check=folder_path), ATTRIBUTE, LABEL),
        writes=True,
        additive=True,
        fields=_HOST,
    ),
    Verb(
        "hosts",
        "update",
        "Change attributes and labels of a host; what is not named stays.",
        "checkmk-sync hosts update web01 --attribute alias='Web 1' --remove ipv6address",
        _update_host,
        (
            _NAME,
            ATTRIBUTE,
            LABEL,
            Argument("remove", "Remove this attribute.", many=True, tool_help="Names of attributes to remove."),
            Argument(
                "remove_label",
                "Remove the label with this key.",
                many=True,
                tool_help="Keys of labels to remove.",
            ),
        ),
        writes=True,
        fields=_HOST,
        idempotent=True,
    ),
    Verb(
        "hosts",
        "move",
        "Move a host to another folder.",
        "checkmk-sync hosts move web01 /linux/web",
        lambda client, name, folder: _host_row(client.hosts.move(name, folder)),
        (_NAME, Argument("folder", "Folder to move it to.", required=True, check=folder_path, example="/linux/web")),
        writes=True,
        fields=_HOST,
        idempotent=True,
    ),
    Verb(
        "hosts",
        "delete",
        "Delete hosts.",
        "checkmk-sync hosts delete web01 web02",
        _delete_hosts,
        (Argument("names", "Names of the hosts.", required=True, many=True, check=host_name, example=["web01"]),),
        writes=True,
        destructive=True,
        fields=(Field("applied", "How many hosts were deleted.", int),),
        preview=previews.delete_hosts,
    ),
    Verb(
        "hosts",
        "status",
        "Show what the monitoring says of hosts.",
        "checkmk-sync hosts status --search 'web*'",
        _host_states,
        (_SEARCH, LIMIT),
        ("name", "state", "num_services", "plugin_output"),
        fields=_STATUS,
    ),
    Verb(
        "hosts",
        "problems",
        "List hosts that are down or unreachable, not acknowledged and not in a downtime.",
        "checkmk-sync hosts problems --limit 20",
        _host_problems,
        (LIMIT,),
        ("name", "state", "num_services", "plugin_output"),
        fields=_STATUS,
    ),
)
