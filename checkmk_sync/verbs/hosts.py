"""Verbs of hosts."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional, Sequence

from ..client import Checkmk
from ..errors import BatchError, SettingsError
from ..names import folder_path, host_name
from ..outcomes import Outcomes
from ..records import Host, writable
from .verb import LIMIT, Argument, Row, Verb, limited, search_pattern

__all__ = ["HOST_VERBS"]


def _host_row(host: Host) -> Row:
    row: Row = {"name": host.name, "folder": host.folder, "attributes": writable(host.attributes)}
    if host.effective_attributes is not None:
        row["effective_attributes"] = dict(host.effective_attributes)
    return row


def _host_line(host: Host) -> Row:
    attributes = host.attributes
    labels = " ".join(f"{key}:{value}" for key, value in sorted(host.labels.items()))
    row = _host_row(host)
    return {**row, "alias": attributes.get("alias"), "ipaddress": attributes.get("ipaddress"), "labels": labels}


def _list_hosts(client: Checkmk, folder: Optional[str], limit: Optional[int]) -> Iterator[Row]:
    return map(_host_line, limited(client.hosts.each(folder=folder), limit))


def _get_host(client: Checkmk, name: str, effective: bool) -> Row:
    return _host_row(client.hosts.get(name, effective_attributes=effective))


def _create_host(
    client: Checkmk, name: str, folder: str, attribute: Mapping[str, str], label: Mapping[str, str]
) -> Row:
    labels = {"labels": dict(label)} if label else {}
    return _host_row(client.hosts.create(name, folder, {**attribute, **labels}))


def _update_host(
    client: Checkmk, name: str, attribute: Mapping[str, str], label: Mapping[str, str], remove: Sequence[str]
) -> Row:
    if not (attribute or label or remove):
        raise SettingsError("nothing to change: give --attribute, --label or --remove")

    def change(attributes: dict[str, Any]) -> Mapping[str, Any]:
        kept = {key: value for key, value in {**attributes, **attribute}.items() if key not in remove}
        return {**kept, "labels": {**attributes.get("labels", {}), **label}} if label else kept

    return _host_row(client.hosts.update(name, change))


def _delete_hosts(client: Checkmk, names: Sequence[str]) -> Row:
    return _outcome_row(client.hosts.bulk_delete(list(names)))


def _outcome_row(outcomes: Outcomes) -> Row:
    """Counts; BatchError when not everything was applied."""
    if not outcomes.ok:
        raise BatchError(
            "\n".join(f"{o.key}: {o.status.value}: {o.reason}" for o in (*outcomes.not_applied, *outcomes.unknown)),
            outcomes=outcomes,
        )
    return {"applied": len(outcomes.applied)}


def _host_states(client: Checkmk, search: Optional[str], limit: Optional[int]) -> Iterator[Row]:
    columns = ["plugin_output", "num_services", "acknowledged", "scheduled_downtime_depth"]
    rows = client.host_status.each(search=search, columns=columns)
    for host in limited(rows, limit):
        yield {"name": host.name, "state": host.state.name, **{column: host[column] for column in columns}}


_NAME = Argument("name", "Name of the host.", required=True, check=host_name)
_ATTRIBUTE = Argument("attribute", "Set an attribute, such as ipaddress=192.0.2.10.", "pairs", many=True)
_LABEL = Argument("label", "Set a label, such as env=prod.", "pairs", many=True)

HOST_VERBS = (
    Verb(
        "hosts",
        "list",
        "List configured hosts.",
        "checkmk-sync hosts list --folder /linux --limit 20",
        _list_hosts,
        (Argument("folder", "Only hosts directly in this folder.", check=folder_path), LIMIT),
        ("name", "folder", "ipaddress", "alias", "labels"),
    ),
    Verb(
        "hosts",
        "get",
        "Show one host.",
        "checkmk-sync hosts get web01 --effective",
        _get_host,
        (_NAME, Argument("effective", "Also show inherited and default attributes.", bool, default=False)),
    ),
    Verb(
        "hosts",
        "create",
        "Create a host (not active until the next activation).",
        "checkmk-sync hosts create web01 --folder /linux --attribute ipaddress=192.0.2.10 --label env=prod",
        _create_host,
        (_NAME, Argument("folder", "Folder to create it in.", default="/", check=folder_path), _ATTRIBUTE, _LABEL),
        writes=True,
    ),
    Verb(
        "hosts",
        "update",
        "Change attributes and labels of a host; what is not named stays.",
        "checkmk-sync hosts update web01 --attribute alias='Web 1' --remove ipv6address",
        _update_host,
        (_NAME, _ATTRIBUTE, _LABEL, Argument("remove", "Remove this attribute.", many=True)),
        writes=True,
    ),
    Verb(
        "hosts",
        "move",
        "Move a host to another folder.",
        "checkmk-sync hosts move web01 /linux/web",
        lambda client, name, folder: _host_row(client.hosts.move(name, folder)),
        (_NAME, Argument("folder", "Folder to move it to.", required=True, check=folder_path)),
        writes=True,
    ),
    Verb(
        "hosts",
        "delete",
        "Delete hosts.",
        "checkmk-sync hosts delete web01 web02",
        _delete_hosts,
        (Argument("names", "Names of the hosts.", required=True, many=True, check=host_name),),
        writes=True,
        destructive=True,
    ),
    Verb(
        "hosts",
        "status",
        "Show what the monitoring says of hosts.",
        "checkmk-sync hosts status --search 'web*'",
        _host_states,
        (Argument("search", "Only names that fit a pattern such as 'web*'.", check=search_pattern), LIMIT),
        ("name", "state", "num_services", "plugin_output"),
    ),
)
