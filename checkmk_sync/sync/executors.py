"""Make the changes of a plan. ``executor_of`` returns the executor for an action on a kind of object.

Executors use bulk calls if the API has them. They read objects again before they move, change or delete them. After
wrong credentials they yield the results so far, raise AuthError, and send nothing more.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

from ..catalogue.attributes import MASK, contains_mask
from ..client.checkmk import Checkmk
from ..client.nouns.hosts import FEW_NAMES
from ..client.outcomes import Outcome, Outcomes, Status
from ..client.records import Folder, Host
from ..client.updates import removal_body
from ..errors import AuthError, BatchError, CheckmkError, ConflictError, NotOwnedError
from .attribute_writes import (
    IN_PART,
    attributes_to_set,
    folder_of,
    removed_attributes,
    set_nodes,
    update_cluster,
    update_hosts,
)
from .changes import NEW_NAME, Action, Change
from .kinds import ADOPTED, AFTER, BEFORE, FOLDER, KINDS, NODES, OWNER
from .marks import marked
from .observed import ExistingObject, existing_object, reread

Result = tuple[Change, Outcome]
Executor = Callable[[Checkmk, Sequence[Change]], Iterator[Result]]
Send = Callable[[Checkmk, Sequence[Change]], Outcomes]

CHANGES_AT_ONCE = 2000  # few enough that the progress bar moves during a long run


def executor_of(action: Action, kind: str) -> Executor:
    """Return the executor for an action on a kind of object."""
    noun = KINDS[kind].noun
    if noun is None or (action, kind) in EXECUTORS:
        return EXECUTORS[action, kind]
    if action is Action.MOVE:
        return _skipping_stale(_move_in_list)
    in_bulk = noun.supports(f"bulk_{action.value}")
    if action is Action.DELETE:
        return _skipping_stale(_delete_in_bulk if in_bulk else _one_by_one(_delete))
    if action is Action.UPDATE:
        return _skipping_stale(_in_bulk(_bulk_call("update", _item))) if in_bulk else _one_by_one(_update)
    # Objects that refer to others of their kind are created one by one, in the order of the plan.
    in_bulk = in_bulk and kind not in KINDS[kind].references.values()
    if KINDS[kind].is_named_by_mark:
        return _skipping_stale(_one_by_one(_create))
    return _in_bulk(_bulk_call("create", _item)) if in_bulk else _one_by_one(_create)


def _one_by_one(*steps: Callable[[Checkmk, Change], Optional[bool]]) -> Executor:
    """Return an executor that calls the steps for one change at a time. A step returns False if it had nothing to do.

    An error becomes the outcome of the change.
    """

    def run(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        for change in changes:
            done = False
            try:
                for step in steps:
                    done = step(client, change) is not False or done
            except (CheckmkError, ValueError) as failure:
                # The client refuses some values only now, such as a mask in place of a secret.
                error = failure if isinstance(failure, CheckmkError) else CheckmkError(str(failure))
                outcome = Outcome.failed(change.key, error)
                if done and outcome.status is Status.NOT_APPLIED:
                    outcome = replace(outcome, note=IN_PART)
                yield change, outcome
                if isinstance(error, AuthError):
                    raise
            else:
                yield change, Outcome(change.key, Status.APPLIED)

    return run


def _in_bulk(send: Send) -> Executor:
    """Return an executor that passes up to CHANGES_AT_ONCE changes to ``send``, sorted by wave and folder."""

    def run(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        ordered = sorted(changes, key=_folder_order)
        for start in range(0, len(ordered), CHANGES_AT_ONCE):
            by_key = {change.key: change for change in ordered[start : start + CHANGES_AT_ONCE]}
            stopped_by: Optional[BaseException] = None
            try:
                outcomes: Sequence[Outcome] = send(client, list(by_key.values()))
            except BatchError as error:  # wrong credentials
                outcomes, stopped_by = error.outcomes, error.__cause__
            yield from ((by_key[outcome.key], outcome) for outcome in outcomes)
            if stopped_by is not None:
                raise stopped_by

    return run


def _skipping_stale(run: Executor, at_once: int = CHANGES_AT_ONCE) -> Executor:
    """Return an executor that reads objects again, ``at_once`` at a time, and skips changes that became stale.

    The changes are based on the new reading, so that labels of others are kept even if they were set after the plan.
    """

    def run_current(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        ordered = sorted(changes, key=_folder_order)
        for start in range(0, len(ordered), at_once):
            group, current = ordered[start : start + at_once], []
            try:
                objects = _reread(client, group)
            except CheckmkError as error:
                yield from ((change, Outcome(change.key, Status.NOT_APPLIED, error)) for change in group)
                if isinstance(error, AuthError):
                    raise
                continue
            for change in group:
                now = objects.get(change.key)
                refusal = _staleness(change, now)
                if refusal is None:
                    current.append(replace(change, existing=now))
                elif now is None and change.action is Action.DELETE:
                    yield change, Outcome(change.key, Status.APPLIED, note="was already deleted")
                else:
                    yield change, Outcome(change.key, Status.NOT_APPLIED, refusal)
            yield from run(client, current)

    return run_current


def _reread(
    client: Checkmk, changes: Sequence[Change], keys: Optional[Sequence[str]] = None
) -> Mapping[str, ExistingObject]:
    """Read the objects of changes of one kind again, or other objects of their lists."""
    first, kind = changes[0], KINDS[changes[0].kind]
    lists = {change.value(kind.listed_by) for change in changes} if kind.listed_by else ()
    keys = [change.key for change in changes] if keys is None else keys
    return reread(client, kind.name, keys, first.value(OWNER), lists)


def _staleness(change: Change, now: Optional[ExistingObject]) -> Optional[CheckmkError]:
    """Return why an object that was read again must not be changed; None if it may be changed."""
    if change.action is Action.CREATE:
        return None if now is None else NotOwnedError(f"{change.name} was created after the plan was made")
    error = change.staleness(now)
    if error is not None or change.action is not Action.UPDATE:
        return error
    # A write sends the complete attribute. If it was read with a mask in place of a secret, the mask would be written.
    attributes = attributes_to_set(replace(change, existing=now)).items()
    masked = next((name for name, value in attributes if name != "labels" and contains_mask(name, value)), None)
    return None if masked is None else CheckmkError(f"the site's {masked} of {change.name} is not usable: {MASK}")


def _based_on(change: Change, record: Any) -> Change:
    """Return the change as planned for a record that was just read. Raises NotOwnedError if the change is stale."""
    current = existing_object(record)
    error = _staleness(change, current)
    if error is not None:
        raise error
    return replace(change, existing=current)


def _collection(client: Checkmk, change: Change) -> Any:
    return getattr(client, KINDS[change.kind].section)


def _bulk_call(verb: str, to_item: Callable[[Change], Any]) -> Send:
    """Return a function that makes a bulk call of the client, with ``to_item`` of each change."""

    def send(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
        call: Callable[[Sequence[Any]], Outcomes] = getattr(_collection(client, changes[0]), f"bulk_{verb}")
        return call(list(map(to_item, changes)))

    return send


def _delete(client: Checkmk, change: Change) -> None:
    _collection(client, change).delete(change.id, missing_ok=True)


def _folder_order(change: Change) -> tuple[int, int, str]:
    """Return a sort key that orders changes by wave, then by the order of the objects, and then by folder."""
    return change.wave, change.place, folder_of(change)


def _create_folder(client: Checkmk, change: Change) -> None:
    client.folders.create_absent(
        change.key, title=change.properties[("title",)][1], attributes=attributes_to_set(change)
    )


def _set_in_folder(client: Checkmk, change: Change) -> bool:
    """Set the title and attributes. Return False if the change only removes attributes."""
    if len(removed_attributes(change)) == len(change.properties):
        return False
    title = change.properties.get(("title",))

    def body(folder: Folder) -> dict[str, Any]:
        attributes = attributes_to_set(_based_on(change, folder))
        values = {"title": title and title[1], "update_attributes": attributes}
        return {name: value for name, value in values.items() if value}

    client.folders.update_with(change.key, body)
    return True


def _remove_in_folder(client: Checkmk, change: Change) -> bool:
    removed = removed_attributes(change)

    def body(folder: Folder) -> dict[str, Any]:
        _based_on(change, folder)
        return removal_body(removed, folder.attributes)

    if removed:
        client.folders.update_with(change.key, body)
    return bool(removed)


def _new_host(change: Change) -> dict[str, Any]:
    return {"host_name": change.key, "folder": folder_of(change), "attributes": attributes_to_set(change)}


def _create_hosts(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
    """Create hosts in bulk, and each cluster with a call of its own, after its nodes."""
    ordered = sorted(changes, key=lambda change: (change.wave, NODES in change.properties, folder_of(change)))
    for is_cluster, group in itertools.groupby(ordered, key=lambda change: NODES in change.properties):
        in_bulk = _in_bulk(_bulk_call("create", _new_host))
        yield from (_one_by_one(_create_cluster) if is_cluster else in_bulk)(client, list(group))


def _create_cluster(client: Checkmk, change: Change) -> None:
    client.hosts.create_cluster(change.key, change.new_values[NODES], folder_of(change), attributes_to_set(change))


def _update_hosts(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
    """Change hosts in bulk, and one by one the clusters whose nodes change."""
    yield from _in_bulk(update_hosts)(client, [change for change in changes if NODES not in change.properties])
    clusters = [change for change in changes if NODES in change.properties]
    yield from _one_by_one(set_nodes, update_cluster)(client, clusters)


def _rename_host(client: Checkmk, change: Change) -> None:
    """Rename a host if it is still as planned."""
    old = change.properties[NEW_NAME][0]
    found = client.hosts.find(old, fresh=True)
    error = change.staleness(None if found is None else replace(existing_object(found), key=change.key))
    if error is not None:
        raise error
    client.hosts.rename(old, change.key)


def _move_host(client: Checkmk, change: Change) -> None:
    client.hosts.move(change.key, change.properties[FOLDER][1])


def _move_in_list(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
    """Move objects next to others, or to the end of their folders."""
    paths = (FOLDER, BEFORE, AFTER)  # the last one that the change contains counts
    places = {c.key: (path, c.new_values[path]) for c in changes for path in paths if path in c.properties}
    moved: set[str] = set()

    @functools.cache
    def targets() -> Mapping[str, ExistingObject]:
        return _reread(client, changes, [target for path, target in places.values() if path != FOLDER])

    def move(client: Checkmk, change: Change) -> None:
        (path, target), folder = places[change.key], change.value(FOLDER)
        other = None if path == FOLDER else targets().get(target)
        if other is not None and (target in moved or other.properties[FOLDER] == folder):
            _collection(client, change).move(change.id, **{path[0]: other.id})
        elif path == FOLDER:
            _collection(client, change).move(change.id, bottom_of=folder)
        else:  # a move next to the other one would also be a move to its folder
            raise NotOwnedError(f"{change.name} cannot be moved, because {change.kind} {target} is not in {folder}")
        moved.add(change.key)

    return _one_by_one(move)(client, changes)


def _host_to_delete(change: Change) -> Host:
    """Return the host as it was read, with its parents, because ``bulk_delete`` must delete them after it."""
    assert change.existing is not None
    # A record with metadata counts as read from the site, so bulk_delete does not read it again.
    properties, meta = change.existing.properties, change.existing.meta
    nodes = properties.get(NODES)
    return Host(change.key, properties[FOLDER], change.existing.attributes, meta=meta, cluster_nodes=nodes)


def _values(change: Change) -> dict[str, Any]:
    """Return the fields of a plain noun to send, with the owner's mark in the comment."""
    kind, values = KINDS[change.kind], {}
    for path, value in change.new_values.items():
        field = kind.field_at(path)
        if field is not None:
            values[field.name] = field.removal if value is None else value
    now = {} if change.existing is None else change.existing.properties
    owner = change.new_values.get(OWNER, now.get(OWNER))
    if kind.mark is not None and not change.properties.keys().isdisjoint({(kind.mark,), OWNER, ADOPTED}):
        values[kind.mark] = marked(values.get(kind.mark, now.get((kind.mark,), "")), owner, change.key)
    return values


def _item(change: Change) -> dict[str, Any]:
    return {KINDS[change.kind].keys[0]: change.key, **_values(change)}


def _create(client: Checkmk, change: Change) -> None:
    if KINDS[change.kind].is_named_by_mark:  # the objects were read again just before this, and marks are unique
        _collection(client, change).create_absent(**_values(change))
    else:
        _collection(client, change).create(change.key, **_values(change))


def _update(client: Checkmk, change: Change) -> None:
    """Change an object if it is still as planned. The ETag of that read protects the changes of other users."""
    collection = _collection(client, change)
    record = collection.get(change.id, fresh=True)
    etag = record.etag if record.noun.has_etags else None
    collection.update(change.id, etag=etag, **_values(_based_on(change, record)))


def _delete_in_bulk(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
    """Delete objects with one call. If the site refuses the call because one is in use, delete them one by one."""
    in_use: list[Change] = []
    for change, outcome in _in_bulk(_bulk_call("delete", lambda change: change.key))(client, changes):
        if isinstance(outcome.error, ConflictError) and len(changes) > 1:
            in_use.append(change)
        else:
            yield change, outcome
    yield from _one_by_one(_delete)(client, in_use)


EXECUTORS: Mapping[tuple[Action, str], Executor] = {
    (Action.CREATE, "folder"): _one_by_one(_create_folder),
    (Action.UPDATE, "folder"): _one_by_one(_set_in_folder, _remove_in_folder),
    (Action.DELETE, "folder"): _skipping_stale(_one_by_one(_delete)),
    (Action.RENAME, "host"): _one_by_one(_rename_host),
    (Action.CREATE, "host"): _create_hosts,
    (Action.MOVE, "host"): _skipping_stale(_one_by_one(_move_host), FEW_NAMES),
    (Action.UPDATE, "host"): _skipping_stale(_update_hosts),
    (Action.DELETE, "host"): _skipping_stale(_in_bulk(_bulk_call("delete", _host_to_delete))),
}
