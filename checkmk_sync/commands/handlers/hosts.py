"""The code of the host commands."""

from __future__ import annotations

import re
from typing import Any, Iterator, Mapping, Optional, Sequence

from ...catalogue.labels import OWNER_LABEL
from ...client.checkmk import Checkmk
from ...client.diagnosis import diagnose_host
from ...client.outcomes import Outcome
from ...client.query import Filter
from ...client.records import Host, HostStatus
from ...core.redaction import mask_secrets
from ...errors import ApiError, CheckmkError, Delivery
from ..command import MAX_SHOWN, Row, Watch
from .attributes import attribute_values, settings_of
from .outcomes import counted, counter
from .search import EVERYTHING, compiled_search, has_labels, only_labelled, search_filter, with_labels


def _ignore(_stage: str, _done: int, _total: int) -> None: ...


def _row(host: Host) -> Row:
    row: Row = {"name": host.name, "folder": host.folder, **settings_of(host)}
    if host.cluster_nodes is not None:
        row["cluster_nodes"] = list(host.cluster_nodes)
    if host.effective_attributes is not None:
        row["effective_attributes"] = dict(host.effective_attributes)
    return row


def table_row(row: Row) -> Row:
    """Return the table columns for a row of ``hosts list``."""
    attributes, owner = row["attributes"], row["owner"]
    labels = row["labels"] if owner is None else {**row["labels"], OWNER_LABEL: owner}
    shown = " ".join(f"{key}:{mask_secrets(value, key)}" for key, value in sorted(labels.items()))
    named = {name: attributes.get(name) for name in ("ipaddress", "alias")}
    return {"name": row["name"], "folder": row["folder"], **named, "labels": shown}


def list_all(client: Checkmk, folder: Optional[str], search: Optional[str], label: Mapping[str, str]) -> Iterator[Row]:
    found = client.hosts.each(folder=folder, search=None if search is None else compiled_search(search))
    return (_row(host) for host in found if has_labels(host.labels, label))


def get(client: Checkmk, host: str, effective: bool) -> Row:
    return _row(client.hosts.get(host, effective_attributes=effective))


def create(
    client: Checkmk, host: str, folder: str, attribute: Mapping[str, Any], label: Mapping[str, str], node: Sequence[str]
) -> Row:
    _refuse_contradictions(attribute, label)
    attributes = {**attribute, "labels": label} if label else attribute
    if node:
        return _row(client.hosts.create_cluster(host, node, folder, attributes))
    return _row(client.hosts.create(host, folder, attributes))


def update(
    client: Checkmk,
    host: str,
    attribute: Mapping[str, Any],
    label: Mapping[str, str],
    remove: Sequence[str],
    remove_label: Sequence[str],
) -> Row:
    if not (attribute or label or remove or remove_label):
        raise ValueError("nothing to change: give --attribute, --label, --remove or --remove-label")
    _refuse_contradictions(attribute, label, remove, remove_label)

    def change(attributes: dict[str, Any]) -> Mapping[str, Any]:
        kept = {key: value for key, value in {**attributes, **attribute}.items() if key not in remove}
        if label or remove_label:
            wanted = {**kept.get("labels", {}), **label}
            left = {key: value for key, value in wanted.items() if key not in remove_label}
            if left != kept.get("labels", {}):
                kept["labels"] = left
        return kept

    return _row(client.hosts.update(host, change))


def _refuse_contradictions(
    attribute: Mapping[str, Any], label: Mapping[str, str], remove: Sequence[str] = (), remove_label: Sequence[str] = ()
) -> None:
    """Raise ValueError if two arguments contradict each other about an attribute or a label."""
    if "labels" in attribute and label:
        raise ValueError("give labels with --label or with --attribute labels, not both")
    pairs = (("--attribute", attribute, "--remove", remove), ("--label", label, "--remove-label", remove_label))
    for option, set_, opposite, removed in pairs:
        for key in set_:
            if key in removed:
                raise ValueError(f"{option} sets {key!r} and {opposite} removes it; give only one of them")


def move(client: Checkmk, hosts: Sequence[str], destination: str, watch: Watch = _ignore) -> Row:
    """Return the number of hosts in the folder. Raises BatchError with all outcomes unless every host was moved."""
    if len(hosts) == 1:
        return {**_row(client.hosts.move(hosts[0], destination)), "moved": 1}
    progress = counter(watch, "move hosts", len(set(hosts)))
    return counted("moved", client.hosts.bulk_move(hosts, destination, progress=progress), _missing)


def rename(client: Checkmk, host: str, new_name: str, watch: Watch = _ignore) -> Row:
    watch("rename", 0, 1)
    row = _row(client.hosts.rename(host, new_name))
    watch("rename", 1, 1)
    return {**row, "advice": "activate the new name: checkmk-sync activate"}


def set_nodes(client: Checkmk, host: str, nodes: Sequence[str]) -> Row:
    return _row(client.hosts.set_nodes(host, nodes))


def scan_parents(client: Checkmk, hosts: Sequence[str], gateways: Optional[str]) -> Row:
    """Return the number of scanned hosts. Before Checkmk 2.4, the outcome is unknown, because the job is not shown."""
    is_shown = client.jobs.shows_all
    job = client.hosts.scan_parents(hosts, gateways=gateways or False, wait=is_shown)
    if not is_shown:
        text = f"the parent scan was started, but Checkmk {client.version().checkmk} does not show when it ends"
        raise CheckmkError(text).with_attempted(is_read=False, delivery=Delivery.UNKNOWN)
    return {"scanned": len(set(hosts)), "log": list(job.result()[-3:])}


def delete(client: Checkmk, hosts: Sequence[str]) -> Row:
    """Return the number of deleted hosts. Raises BatchError with all outcomes unless every host was deleted."""
    return counted("deleted", client.hosts.bulk_delete(list(dict.fromkeys(hosts))), _missing)


def _missing(outcome: Outcome) -> Optional[str]:
    error = outcome.error
    # For an entry of a bulk call, Checkmk answers 400 with "Host not found: 'web01'" or "Host missing: 'web01'".
    if isinstance(error, ApiError) and error.status in (400, 404) and _MISSING.search(str(error)):
        return "no such host"
    return None


_MISSING = re.compile(r"\bhost (?:not found|missing)\b", re.IGNORECASE)
_STATUS_COLUMNS = ("plugin_output", "num_services", "acknowledged", "scheduled_downtime_depth")


def _status_row(host: HostStatus) -> Row:
    columns = {column: host[column] for column in _STATUS_COLUMNS}
    return {"name": host.name, "state": host.state.name, **columns}


def status(
    client: Checkmk,
    search: Optional[str],
    label: Mapping[str, str],
    state: Sequence[str] = (),
    only: Filter = EVERYTHING,
) -> Iterator[Row]:
    """Yield the status of hosts. Those that ``only`` does not match are left out."""
    query, columns = search_filter("name", search) & only, with_labels(_STATUS_COLUMNS, label)
    hosts = client.host_status.each(query=query, state=state or None, columns=columns)
    return map(_status_row, only_labelled(hosts, label))


def diagnose(client: Checkmk, host: str) -> Iterator[Row]:
    return (finding._asdict() for finding in diagnose_host(client, host))


def create_many(client: Checkmk, hosts: Sequence[Mapping[str, Any]], watch: Watch) -> Row:
    watch("create hosts", 0, len(hosts))
    outcomes = client.hosts.bulk_create(list(hosts), progress=counter(watch, "create hosts", len(hosts)))
    failed = [*outcomes.not_applied, *outcomes.unknown]
    return {
        "applied": len(outcomes.applied),
        "not_applied": len(outcomes.not_applied),
        "unknown": len(outcomes.unknown),
        "failures": [f"{outcome.key}: {outcome.status.value}: {outcome.reason}" for outcome in failed[:MAX_SHOWN]],
        "failed": [(outcome.key, outcome.status.value) for outcome in failed],
    }


def entries_of(hosts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries with the key ``host_name``, and with attribute strings converted to values."""
    entries = []
    for entry in map(dict, hosts):
        for alias in ("host", "name"):
            if alias in entry and "host_name" not in entry:
                entry["host_name"] = entry.pop(alias)
        if isinstance(entry.get("attributes"), Mapping):
            entry["attributes"] = attribute_values(entry["attributes"])
        entries.append(entry)
    return entries
