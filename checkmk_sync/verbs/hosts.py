"""Verbs of hosts."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional, Sequence

from ..client import Checkmk
from ..errors import BatchError
from ..names import folder_path, host_name
from ..outcomes import Outcomes
from ..records import Host, writable
from ..sync.sources import attribute_value
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


def _list_hosts(client: Checkmk, folder: Optional[str], search: Optional[str], limit: Optional[int]) -> Iterator[Row]:
    return map(_host_line, limited(client.hosts.each(folder=folder, search=search), limit))


def _get_host(client: Checkmk, name: str, effective: bool) -> Row:
    return _host_row(client.hosts.get(name, effective_attributes=effective))


def _create_host(
    client: Checkmk, name: str, folder: str, attribute: Mapping[str, str], label: Mapping[str, str]
) -> Row:
    labels = {"labels": _labels(label)} if label else {}
    return _host_row(client.hosts.create(name, folder, {**_values(attribute), **labels}))


def _values(attributes: Mapping[str, str]) -> Row:
    return {name: attribute_value(name, text) for name, text in attributes.items()}


def _labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    empty = next((key for key, value in labels.items() if not value), None)
    if empty is not None:
        raise ValueError(f"the label {empty} needs a value; --remove-label {empty} takes it away")
    return labels


def _update_host(
    client: Checkmk,
    name: str,
    attribute: Mapping[str, str],
    label: Mapping[str, str],
    remove: Sequence[str],
    remove_label: Sequence[str],
) -> Row:
    if not (attribute or label or remove or remove_label):
        raise ValueError("nothing to change: give --attribute, --label, --remove or --remove-label")
    values, labels = _values(attribute), _labels(label)

    def change(attributes: dict[str, Any]) -> Mapping[str, Any]:
        kept = {key: value for key, value in {**attributes, **values}.items() if key not in remove}
        if labels or remove_label:
            wanted = {**kept.get("labels", {}), **labels}
            kept["labels"] = {key: value for key, value in wanted.items() if key not in remove_label}
        return kept

    return _host_row(client.hosts.update(name, change))


def _delete_hosts(client: Checkmk, names: Sequence[str]) -> Row:
    return _outcome_row(client.hosts.bulk_delete(list(dict.fromkeys(names))))


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
_ATTRIBUTE = Argument(
    "attribute",
    "Set an attribute, such as ipaddress=192.0.2.10; as in a CSV inventory parents=gw01|gw02 is a list, "
    "and what starts with [ or { is JSON.",
    "pairs",
    many=True,
)
_SEARCH = Argument("search", "Only names that fit a pattern such as 'web*'.", check=search_pattern)
_LABEL = Argument("label", "Set a label, such as env=prod.", "pairs", many=True)

HOST_VERBS = (
    Verb(
        "hosts",
        "list",
        "List configured hosts.",
        "checkmk-sync hosts list --folder /linux --limit 20",
        _list_hosts,
        (Argument("folder", "Only hosts directly in this folder.", check=folder_path), _SEARCH, LIMIT),
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
        (
            _NAME,
            _ATTRIBUTE,
            _LABEL,
            Argument("remove", "Remove this attribute.", many=True),
            Argument("remove_label", "Remove the label with this key.", many=True),
        ),
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
        (_SEARCH, LIMIT),
        ("name", "state", "num_services", "plugin_output"),
    ),
)
