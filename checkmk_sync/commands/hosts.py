"""Verbs of hosts."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Iterator, Mapping, Optional, Sequence

from ..catalogue.labels import OWNER_LABEL
from ..catalogue.paths import folder_path, host_name
from ..catalogue.states import HostState
from ..client.checkmk import Checkmk
from ..client.outcomes import Outcome, Outcomes, Status
from ..client.query import unhandled_host_problems
from ..client.records import Host, HostStatus
from ..core.redaction import mask_secrets
from ..core.text import pluralize
from ..errors import ApiError, BatchError
from . import previews
from .arguments import ATTRIBUTE, LABEL, settings_fields, settings_of
from .command import LIMIT, MANY_HOSTS, Argument, Command, CountedRows, Field, Row, limited, search_pattern

__all__ = ["HOST_COMMANDS"]


def _host_row(host: Host) -> Row:
    row: Row = {"name": host.name, "folder": host.folder, **settings_of(host)}
    if host.effective_attributes is not None:
        row["effective_attributes"] = dict(host.effective_attributes)
    return row


def _host_line(row: Row) -> Row:
    """The columns of a host in a table."""
    attributes, owner = row["attributes"], row["owner"]
    labels = row["labels"] if owner is None else {**row["labels"], OWNER_LABEL: owner}
    shown = " ".join(f"{key}:{mask_secrets(value, key)}" for key, value in sorted(labels.items()))
    named = {name: attributes.get(name) for name in ("ipaddress", "alias")}
    return {"name": row["name"], "folder": row["folder"], **named, "labels": shown}


def _list_hosts(client: Checkmk, folder: Optional[str], search: Optional[str], limit: Optional[int]) -> Iterator[Row]:
    return map(_host_row, limited(client.hosts.each(folder=folder, search=search), limit))


def _get_host(client: Checkmk, host: str, effective: bool) -> Row:
    return _host_row(client.hosts.get(host, effective_attributes=effective))


def _create_host(
    client: Checkmk, host: str, folder: str, attribute: Mapping[str, Any], label: Mapping[str, str]
) -> Row:
    _refuse_twice(attribute, label)
    labels = {"labels": label} if label else {}
    return _host_row(client.hosts.create(host, folder, {**attribute, **labels}))


def _update_host(
    client: Checkmk,
    host: str,
    attribute: Mapping[str, Any],
    label: Mapping[str, str],
    remove: Sequence[str],
    remove_label: Sequence[str],
) -> Row:
    if not (attribute or label or remove or remove_label):
        raise ValueError("nothing to change: give --attribute, --label, --remove or --remove-label")
    _refuse_twice(attribute, label, remove, remove_label)

    def change(attributes: dict[str, Any]) -> Mapping[str, Any]:
        kept = {key: value for key, value in {**attributes, **attribute}.items() if key not in remove}
        if label or remove_label:
            wanted = {**kept.get("labels", {}), **label}
            left = {key: value for key, value in wanted.items() if key not in remove_label}
            if left != kept.get("labels", {}):
                kept["labels"] = left
        return kept

    return _host_row(client.hosts.update(host, change))


def _refuse_twice(
    attribute: Mapping[str, Any], label: Mapping[str, str], remove: Sequence[str] = (), remove_label: Sequence[str] = ()
) -> None:
    """ValueError where two arguments want different values of the same attribute or label."""
    if "labels" in attribute and label:
        raise ValueError("give the labels once, either with --label or as --attribute labels")
    for option, set_, removed in (("attribute", attribute, remove), ("label", label, remove_label)):
        both = next((key for key in set_ if key in removed), None)
        if both is not None:
            opposite = "--remove" if option == "attribute" else "--remove-label"
            raise ValueError(f"--{option} sets {both!r} and {opposite} removes it: give one of the two")


def _delete_hosts(client: Checkmk, hosts: Sequence[str]) -> Row:
    return _deleted_row(client.hosts.bulk_delete(list(dict.fromkeys(hosts))))


def _deleted_row(outcomes: Outcomes) -> Row:
    """Return how many hosts were deleted. BatchError, with the fate of the others, unless all were."""
    if not outcomes.ok:
        lines = [
            f"{outcome.key}: {_why_not_deleted(outcome)}" for outcome in (*outcomes.not_applied, *outcomes.unknown)
        ]
        if len(outcomes) > 1:
            lines.insert(0, f"{len(outcomes.applied)} of {pluralize(len(outcomes), 'host')} deleted; the others:")
        raise BatchError(*lines, outcomes=outcomes)
    return {"deleted": len(outcomes.applied)}


def _why_not_deleted(outcome: Outcome) -> str:
    error = outcome.error
    # Checkmk: 400 for the entry of a bulk call, "Host not found: 'web01'" or "Host missing: 'web01'".
    if isinstance(error, ApiError) and error.status in (400, 404) and _MISSING.search(str(error)):
        return "no such host"
    said = "unknown whether it was deleted" if outcome.status is Status.UNKNOWN else "not deleted"
    return f"{said}: {outcome.reason}"


_MISSING = re.compile(r"\bhost (?:not found|missing)\b", re.IGNORECASE)
_STATUS_COLUMNS = ("plugin_output", "num_services", "acknowledged", "scheduled_downtime_depth")


def _status_row(host: HostStatus) -> Row:
    columns = {column: host[column] for column in _STATUS_COLUMNS}
    return {"name": host.name, "state": host.state.name, **columns}


def _host_states(client: Checkmk, search: Optional[str], state: Sequence[str], limit: Optional[int]) -> Iterator[Row]:
    found = client.host_status.each(search=search, state=state or None, columns=_STATUS_COLUMNS)
    return map(_status_row, limited(found, limit))


def _host_problems(client: Checkmk, limit: Optional[int]) -> CountedRows:
    found = client.host_status.each(query=unhandled_host_problems(), columns=_STATUS_COLUMNS)
    rows = sorted(map(_status_row, found), key=lambda row: (row["state"], row["name"]))
    return CountedRows(limited(rows, limit), Counter(row["state"].lower() for row in rows))


_ONE = Argument(
    "host", "Name of the host.", required=True, check=host_name, example="web01", aliases=("name", "host_name")
)
_SEARCH = Argument("search", "Only names that match a pattern such as 'web*'.", check=search_pattern, example="web*")
_STATE = Argument(
    "state",
    "Only this state, in upper or lower case; may be abbreviated.",
    many=True,
    choices=tuple(state.name.lower() for state in HostState),
    tool_help="Only in one of these states.",
)
_HOST = (
    Field("name", "Name of the host."),
    Field("folder", "The folder that contains it."),
    *settings_fields("host"),
)
_STATUS = (
    Field("name", "Name of the host."),
    Field("state", "UP, DOWN, UNREACHABLE or PENDING."),
    Field("num_services", "Number of its services.", int),
    Field("plugin_output", "Output of the check.", foreign=True),
    Field("acknowledged", "1 if the problem is acknowledged.", int),
    Field("scheduled_downtime_depth", "More than 0 while it is in downtime.", int),
)

HOST_COMMANDS = (
    Command(
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
            Field("alias", "Its alias.", Optional[str], foreign=True),
            Field("labels", "Its own labels, as key:value.", foreign=True),
        ),
        line=_host_line,
        tool="stream_hosts",
        empty="no hosts",
    ),
    Command(
        "hosts",
        "get",
        "Show one host.",
        "checkmk-sync hosts get web01 --effective",
        _get_host,
        (_ONE, Argument("effective", "Also show inherited and default attributes.", bool, default=False)),
        fields=(
            *_HOST,
            Field(
                "effective_attributes",
                "Including inherited and default ones, if requested.",
                Optional[dict[str, Any]],
                foreign=True,
            ),
        ),
    ),
    Command(
        "hosts",
        "create",
        "Create a host (not active until the next activation).",
        "checkmk-sync hosts create web01 --folder /linux --attribute ipaddress=192.0.2.10 --label env=prod",
        _create_host,
        (_ONE, Argument("folder", "Folder to create it in.", default="/", check=folder_path), ATTRIBUTE, LABEL),
        writes=True,
        done="created",
        look="checkmk-sync hosts get {}",
        additive=True,
        fields=_HOST,
    ),
    Command(
        "hosts",
        "update",
        "Change attributes and labels of a host; all others stay.",
        "checkmk-sync hosts update web01 --attribute alias='Web 1' --remove ipv6address",
        _update_host,
        (
            _ONE,
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
        done="updated",
        look="checkmk-sync hosts get {}",
        fields=_HOST,
        idempotent=True,
    ),
    Command(
        "hosts",
        "move",
        "Move a host to another folder.",
        "checkmk-sync hosts move web01 /linux/web",
        lambda client, host, destination: _host_row(client.hosts.move(host, destination)),
        (
            _ONE,
            Argument(
                "destination",
                "The folder to move it to.",
                required=True,
                check=folder_path,
                example="/linux/web",
                aliases=("folder",),
            ),
        ),
        writes=True,
        done="moved",
        look="checkmk-sync hosts get {}",
        fields=_HOST,
        idempotent=True,
    ),
    Command(
        "hosts",
        "delete",
        "Delete hosts.",
        "checkmk-sync hosts delete web01 web02",
        _delete_hosts,
        (MANY_HOSTS,),
        writes=True,
        done="deleted",
        look="checkmk-sync hosts get {}",
        destructive=True,
        fields=(Field("deleted", "Number of deleted hosts.", int),),
        preview=previews.delete_hosts,
    ),
    Command(
        "hosts",
        "status",
        "Show the monitoring status of hosts.",
        "checkmk-sync hosts status --search 'web*'",
        _host_states,
        (_SEARCH, _STATE, LIMIT),
        ("name", "state", "num_services", "plugin_output"),
        fields=_STATUS,
        empty="no hosts",
    ),
    Command(
        "hosts",
        "problems",
        "List hosts that are down or unreachable, not acknowledged, and not in downtime.",
        "checkmk-sync hosts problems --limit 20",
        _host_problems,
        (LIMIT,),
        ("name", "state", "num_services", "plugin_output"),
        fields=_STATUS,
        empty="no unhandled problems",
    ),
)
