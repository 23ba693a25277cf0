"""Make the changes to the objects of plain nouns, with bulk calls if the noun has them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, Iterator, Mapping, Sequence

from ..catalogue.noun import Noun
from ..client.checkmk import Checkmk
from ..client.collection import Collection
from ..client.outcomes import Outcomes
from ..errors import ConflictError
from .changes import Action, Change
from .executors import EXECUTORS, Executor, Result, in_bulk, one_by_one, skipping_stale, staleness
from .kinds import ADOPTED, KINDS, OWNER
from .marks import marked
from .observed import existing_record

__all__ = ["executor_of"]

_EMPTY: Mapping[Any, Any] = {list: [], dict: {}, str: ""}  # the values that remove a field


def executor_of(action: Action, kind: str) -> Executor:
    """Return the executor for an action on a kind of object."""
    noun = KINDS[kind].noun
    if noun is None:
        return EXECUTORS[action, kind]
    if action is Action.DELETE:
        return skipping_stale(_delete_in_bulk if noun.supports("bulk_delete") else one_by_one(_delete))
    if action is Action.CREATE:
        return _wave_by_wave(in_bulk(_create_in_bulk)) if noun.supports("bulk_create") else one_by_one(_create)
    return skipping_stale(in_bulk(_update_in_bulk)) if noun.supports("bulk_update") else one_by_one(_update)


def _noun_of(change: Change) -> Noun:
    noun = KINDS[change.kind].noun
    assert noun is not None
    return noun


def _collection(client: Checkmk, change: Change) -> Collection[Any]:
    collection: Collection[Any] = getattr(client, _noun_of(change).name)
    return collection


def _values(change: Change) -> dict[str, Any]:
    """Return the fields to send, with the mark in the comment."""
    noun, values = _noun_of(change), {}
    for path, value in change.new_values.items():
        field = KINDS[change.kind].field_at(path)
        if field is not None:
            values[field.name] = _EMPTY.get(field.type) if value is None else value
    now = {} if change.existing is None else change.existing.properties
    owner = change.new_values.get(OWNER, now.get(OWNER))
    if noun.mark is not None and not change.properties.keys().isdisjoint({(noun.mark,), OWNER, ADOPTED}):
        values[noun.mark] = marked(values.get(noun.mark, now.get((noun.mark,), "")), owner, change.key)
    return values


def _item(change: Change) -> dict[str, Any]:
    return {_noun_of(change).key.name: change.key, **_values(change)}


def _wave_by_wave(run: Executor) -> Executor:
    """Return an executor that completes each wave before the next, because objects can refer to those before."""

    def run_waves(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        for _, group in itertools.groupby(changes, key=lambda change: change.wave):
            yield from run(client, list(group))

    return run_waves


def _create(client: Checkmk, change: Change) -> None:
    _collection(client, change).create(change.key, **_values(change))


def _create_in_bulk(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    return _collection(client, changes[0]).bulk_create(list(map(_item, changes)))


def _update(client: Checkmk, change: Change) -> None:
    """Change an object that is still as planned. The ETag of that read protects the changes of others."""
    collection = _collection(client, change)
    record = collection.get(change.key, fresh=True)
    current = replace(change, existing=existing_record(record))
    error = staleness(change, current.existing)
    if error is not None:
        raise error
    collection.update(change.key, etag=record.etag, **_values(current))


def _update_in_bulk(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    return _collection(client, changes[0]).bulk_update(list(map(_item, changes)))


def _delete(client: Checkmk, change: Change) -> None:
    _collection(client, change).delete(change.key, missing_ok=True)


def _delete_in_bulk(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
    """Delete objects with one call. If an object in use makes the site refuse the call, delete them one by one."""
    by_key = {change.key: change for change in changes}
    if not by_key:
        return
    outcomes = _collection(client, changes[0]).bulk_delete(list(by_key))
    in_use: list[Change] = []
    for outcome in outcomes:
        change = by_key[outcome.key]
        if isinstance(outcome.error, ConflictError) and len(by_key) > 1:
            in_use.append(change)
        else:
            yield change, outcome
    yield from one_by_one(_delete)(client, in_use)
