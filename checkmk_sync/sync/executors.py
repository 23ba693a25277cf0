"""Make the changes of a plan. ``EXECUTORS`` contains one executor for each action on hosts and folders.

Executors use bulk calls if the API has them. They read objects again before they move, change or delete them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

from ..catalogue.attributes import MASK, contains_mask
from ..client.checkmk import Checkmk
from ..client.nouns.hosts import FEW_NAMES
from ..client.outcomes import WORST_FIRST, Outcome, Outcomes, Status
from ..client.records import Folder, Host
from ..errors import AuthError, BatchError, CheckmkError
from .changes import Action, Change
from .compare import merge
from .kinds import FOLDER, FOLDERS
from .observed import ExistingObject, existing_folder, reread

__all__ = ["EXECUTORS", "Executor", "Result", "in_bulk", "one_by_one", "skipping_stale", "staleness"]

Result = tuple[Change, Outcome]
Executor = Callable[[Checkmk, Sequence[Change]], Iterator[Result]]

IN_PART = "applied in part"
CHANGES_AT_ONCE = 2000  # few enough that the progress bar moves during a long run


def one_by_one(*steps: Callable[[Checkmk, Change], Optional[bool]]) -> Executor:
    """Return an executor that calls the steps for one change at a time. A step returns False if it had nothing to do.

    Wrong credentials stop the executor; any other error becomes the outcome of the change.
    """

    def run(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        for change in changes:
            done = False
            try:
                for step in steps:
                    done = step(client, change) is not False or done
            except CheckmkError as error:
                outcome = Outcome.failed(change.key, error)
                if done and outcome.status is Status.NOT_APPLIED:
                    outcome = replace(outcome, note=IN_PART)
                if isinstance(error, AuthError):
                    raise BatchError(f"the sync was stopped: {error}", outcomes=Outcomes([outcome])) from error
                yield change, outcome
            else:
                yield change, Outcome(change.key, Status.APPLIED)

    return run


def in_bulk(send: Callable[[Checkmk, Sequence[Change]], Outcomes]) -> Executor:
    """Return an executor that passes up to CHANGES_AT_ONCE changes to ``send``, sorted by wave and folder."""

    def run(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        ordered = sorted(changes, key=_folder_order)
        for start in range(0, len(ordered), CHANGES_AT_ONCE):
            by_key = {change.key: change for change in ordered[start : start + CHANGES_AT_ONCE]}
            for outcome in send(client, list(by_key.values())):
                yield by_key[outcome.key], outcome

    return run


def skipping_stale(run: Executor, at_once: int = CHANGES_AT_ONCE) -> Executor:
    """Return an executor that reads objects again, ``at_once`` at a time, and skips changes that became stale.

    The changes are based on the new reading, so that labels of others are kept even if they were set after the plan.
    """

    def run_current(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        ordered = changes if changes[0].kind == FOLDERS.name else sorted(changes, key=_folder_order)
        for start in range(0, len(ordered), at_once):
            group, current = ordered[start : start + at_once], []
            try:
                objects = reread(client, group[0].kind, [change.key for change in group])
            except CheckmkError as error:
                outcomes = Outcomes([Outcome(change.key, Status.NOT_APPLIED, error) for change in group])
                if isinstance(error, AuthError):
                    raise BatchError(f"the sync was stopped: {error}", outcomes=outcomes) from error
                yield from zip(group, outcomes)
                continue
            for change in group:
                now = objects.get(change.key)
                refusal = staleness(change, now)
                if refusal is None:
                    current.append(replace(change, existing=now))
                elif now is None and change.action is Action.DELETE:
                    yield change, Outcome(change.key, Status.APPLIED, note="was already deleted")
                else:
                    yield change, Outcome(change.key, Status.NOT_APPLIED, refusal)
            yield from run(client, current)

    return run_current


def staleness(change: Change, now: Optional[ExistingObject]) -> Optional[CheckmkError]:
    """Return why an object that was read again must not be changed; None if it may be changed."""
    error = change.staleness(now)
    if error is not None or change.action is not Action.UPDATE:
        return error
    # A write sends the complete attribute. If it was read with a mask in place of a secret, the mask would be written.
    attributes = _attributes(replace(change, existing=now)).items()
    masked = next((name for name, value in attributes if name != "labels" and contains_mask(name, value)), None)
    return None if masked is None else CheckmkError(f"the site's {masked} of {change.name} is not usable: {MASK}")


def _folder(change: Change) -> str:
    properties = change.new_values if change.existing is None else change.existing.properties
    return str(properties.get(FOLDER, ""))


def _folder_order(change: Change) -> tuple[int, str]:
    """Return a sort key that orders changes by wave and then by folder."""
    return change.wave, _folder(change)


def _attributes(change: Change) -> dict[str, Any]:
    """Return the attributes to set. They are complete values, because Checkmk replaces an attribute as a unit."""
    now = {} if change.existing is None else change.existing.attributes
    wanted = change.wanted("attributes").items()
    attributes = {name: merge(value, now.get(name)) for name, value in wanted if value is not None}
    labels = change.wanted("labels")
    if labels:
        all_labels = {**(change.existing.labels if change.existing is not None else {}), **labels}
        attributes["labels"] = {key: value for key, value in all_labels.items() if value is not None}
    return attributes


def _removed(change: Change) -> list[str]:
    return [name for name, value in change.wanted("attributes").items() if value is None]


def _create_folder(client: Checkmk, change: Change) -> None:
    client.folders.create_absent(change.key, title=change.properties[("title",)][1], attributes=_attributes(change))


def _set_in_folder(client: Checkmk, change: Change) -> bool:
    """Set the title and attributes. Return False if the change only removes attributes."""
    if len(_removed(change)) == len(change.properties):
        return False
    title = change.properties.get(("title",))

    def body(folder: Folder) -> dict[str, Any]:
        attributes = _attributes(_based_on(change, folder))
        values = {"title": title and title[1], "update_attributes": attributes}
        return {name: value for name, value in values.items() if value}

    client.folders.update_with(change.key, body)
    return True


def _remove_in_folder(client: Checkmk, change: Change) -> bool:
    removed = _removed(change)

    def body(folder: Folder) -> dict[str, Any]:
        _based_on(change, folder)
        still_set = [name for name in removed if name in folder.attributes]
        return {"remove_attributes": still_set} if still_set else {}

    if removed:
        client.folders.update_with(change.key, body)
    return bool(removed)


def _based_on(change: Change, folder: Folder) -> Change:
    """Return the change, based on the folder as read with its ETag. Raises NotOwnedError if the change is stale."""
    current = existing_folder(folder)
    error = staleness(change, current)
    if error is not None:
        raise error
    return replace(change, existing=current)


def _delete_folder(client: Checkmk, change: Change) -> None:
    client.folders.delete(change.key, missing_ok=True)


def _create_hosts(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    return client.hosts.bulk_create(
        [{"host_name": new.key, "folder": _folder(new), "attributes": _attributes(new)} for new in changes]
    )


def _move_host(client: Checkmk, change: Change) -> None:
    client.hosts.move(change.key, change.properties[FOLDER][1])


def _update_hosts(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    """Set attributes, then remove attributes. A host counts as applied if both calls succeed for it."""
    sets: list[dict[str, Any]] = []
    removals: list[dict[str, Any]] = []
    for change in changes:
        entry = {"host_name": change.key, "folder": _folder(change)}
        attributes, removed = _attributes(change), _removed(change)
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


def _worst_of_each(outcomes: Sequence[Outcome]) -> Outcomes:
    """Return the worst outcome of each host, with a note if only one of its two calls succeeded."""
    by_key: dict[str, Outcome] = {}
    for outcome in outcomes:
        before = by_key.setdefault(outcome.key, outcome)
        worst, other = sorted((before, outcome), key=lambda item: WORST_FIRST.index(item.status))
        is_part = worst.status is Status.NOT_APPLIED and other.status is Status.APPLIED
        by_key[outcome.key] = replace(worst, note=IN_PART) if is_part else worst
    return Outcomes(list(by_key.values()))


def _delete_hosts(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    # The records contain the attributes, because bulk_delete must delete parents after their children.
    current = [change.existing for change in changes if change.existing is not None]
    # With the meta data they count as read from the site, so bulk_delete does not read them again.
    return client.hosts.bulk_delete(
        [Host(host.key, host.properties[FOLDER], host.attributes, meta=host.meta) for host in current]
    )


EXECUTORS: Mapping[tuple[Action, str], Executor] = {
    (Action.CREATE, "folder"): one_by_one(_create_folder),
    (Action.UPDATE, "folder"): one_by_one(_set_in_folder, _remove_in_folder),
    (Action.DELETE, "folder"): skipping_stale(one_by_one(_delete_folder)),
    (Action.CREATE, "host"): in_bulk(_create_hosts),
    (Action.MOVE, "host"): skipping_stale(one_by_one(_move_host), FEW_NAMES),
    (Action.UPDATE, "host"): skipping_stale(in_bulk(_update_hosts)),
    (Action.DELETE, "host"): skipping_stale(in_bulk(_delete_hosts)),
}
