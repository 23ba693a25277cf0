"""Set and remove attributes and labels of hosts and folders, and set the nodes of clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Sequence

from ..client.checkmk import Checkmk
from ..client.outcomes import WORST_FIRST, Outcome, Outcomes, Status
from ..errors import BatchError, CheckmkError
from .changes import Change
from .compare import merge
from .kinds import FOLDER, NODES

IN_PART = "applied in part"


def folder_of(change: Change) -> str:
    properties = change.new_values if change.existing is None else change.existing.properties
    return str(properties.get(FOLDER, ""))


def attributes_to_set(change: Change) -> dict[str, Any]:
    """Return the attributes to set. They are complete values, because Checkmk replaces an attribute as a unit."""
    now = {} if change.existing is None else change.existing.attributes
    wanted = change.wanted("attributes").items()
    attributes = {name: merge(value, now.get(name)) for name, value in wanted if value is not None}
    labels = change.wanted("labels")
    if labels:
        all_labels = {**(change.existing.labels if change.existing is not None else {}), **labels}
        attributes["labels"] = {key: value for key, value in all_labels.items() if value is not None}
    return attributes


def removed_attributes(change: Change) -> list[str]:
    return [name for name, value in change.wanted("attributes").items() if value is None]


def update_hosts(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    """Set attributes, then remove attributes. A host counts as applied if both calls succeed for it."""
    sets: list[dict[str, Any]] = []
    removals: list[dict[str, Any]] = []
    for change in changes:
        entry = {"host_name": change.key, "folder": folder_of(change)}
        attributes, removed = attributes_to_set(change), removed_attributes(change)
        if attributes:
            sets.append({**entry, "update_attributes": attributes})
        if removed:
            removals.append({**entry, "remove_attributes": removed})
    done: list[Outcome] = []
    for entries in (sets, removals):
        try:
            done += client.hosts.bulk_update(entries)
        except BatchError as error:
            done += error.outcomes
            tried = {outcome.key for outcome in error.outcomes}
            left = [entry for entry in entries if entry["host_name"] not in tried]
            left += removals if entries is sets else []
            stopped = CheckmkError(str(error))
            done += (Outcome(entry["host_name"], Status.NOT_APPLIED, stopped) for entry in left)
            raise BatchError(str(error), outcomes=_worst_of_each(done)) from error.__cause__
    return _worst_of_each(done)


def set_nodes(client: Checkmk, change: Change) -> None:
    client.hosts.set_nodes(change.key, change.new_values[NODES])


def update_cluster(client: Checkmk, change: Change) -> bool:
    """Set and remove the attributes of a cluster. Return False if the change has none."""
    attributes, removed = attributes_to_set(change), removed_attributes(change)
    if attributes:
        client.hosts.update(change.key, update_attributes=attributes)
    if removed:
        client.hosts.update(change.key, remove_attributes=removed)
    return bool(attributes or removed)


def _worst_of_each(outcomes: Sequence[Outcome]) -> Outcomes:
    """Return the worst outcome of each host, with a note if only one of its two calls succeeded."""
    by_key: dict[str, Outcome] = {}
    for outcome in outcomes:
        before = by_key.setdefault(outcome.key, outcome)
        worst, other = sorted((before, outcome), key=lambda item: WORST_FIRST.index(item.status))
        is_part = worst.status is Status.NOT_APPLIED and other.status is Status.APPLIED
        by_key[outcome.key] = replace(worst, note=IN_PART) if is_part else worst
    return Outcomes(list(by_key.values()))
