"""How each action is done to each kind: bulk calls where the API has them, one call each where not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

from ..catalogue.attributes import MASK, contains_mask
from ..client.checkmk import Checkmk
from ..client.nouns.host_reads import FEW_NAMES
from ..client.outcomes import Outcome, Outcomes, Status
from ..client.records import Folder, Host
from ..errors import AuthError, BatchError, CheckmkError
from .changes import Action, Change
from .compare import merged
from .desired import FOLDER
from .observed import Found, found_folder, reread

__all__ = ["EXECUTORS", "Executor", "Result"]

Result = tuple[Change, Outcome]
Executor = Callable[[Checkmk, Sequence[Change]], Iterator[Result]]

IN_PART = "applied in part"
CHANGES_AT_ONCE = 2000  # between two looks at the progress bar


def _each(*steps: Callable[[Checkmk, Change], Optional[bool]]) -> Executor:
    """An executor of single calls. Wrong credentials stop it, everything else is an outcome.

    A step returns False if it has nothing to do.
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
                    raise BatchError(f"stopped: {error}", outcomes=Outcomes([outcome])) from error
                yield change, outcome
            else:
                yield change, Outcome(change.key, Status.APPLIED)

    return run


def _in_bulk(send: Callable[[Checkmk, Sequence[Change]], Outcomes]) -> Executor:
    """An executor of bulk calls, some thousand changes at a time, wave by wave and sorted by folder."""

    def run(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        ordered = sorted(changes, key=_folder_order)
        for start in range(0, len(ordered), CHANGES_AT_ONCE):
            by_key = {change.key: change for change in ordered[start : start + CHANGES_AT_ONCE]}
            for outcome in send(client, list(by_key.values())):
                yield by_key[outcome.key], outcome

    return run


def _still_ours(run: Executor, at_once: int = CHANGES_AT_ONCE) -> Executor:
    """An executor that reads ``at_once`` objects again before it changes them, and leaves what is not ours any more.

    What it changes is the new reading: labels that others set in between stay.
    """

    def checked(client: Checkmk, changes: Sequence[Change]) -> Iterator[Result]:
        ordered = changes if changes[0].kind == "folder" else sorted(changes, key=_folder_order)
        for start in range(0, len(ordered), at_once):
            left: list[Change] = []
            for change, outcome in _read_again(client, ordered[start : start + at_once]):
                if outcome is None:
                    left.append(change)
                else:
                    yield change, outcome
            yield from run(client, left)

    return checked


def _read_again(client: Checkmk, changes: Sequence[Change]) -> Iterator[tuple[Change, Optional[Outcome]]]:
    """Each change as it is to be done now, or with the outcome that it has already."""
    try:
        current = reread(client, changes[0].kind, [change.key for change in changes])
    except AuthError as error:
        raise BatchError(f"stopped: {error}", outcomes=_not_applied(changes, error)) from error
    except CheckmkError as error:
        yield from zip(changes, _not_applied(changes, error))
        return
    for change in changes:
        now = current.get(change.key)
        objection = _objection(change, now)
        if objection is None:
            yield replace(change, found=now), None
        elif now is None and change.action is Action.DELETE:
            yield change, Outcome(change.key, Status.APPLIED, note="was gone already")
        else:
            yield change, Outcome(change.key, Status.NOT_APPLIED, objection)


def _objection(change: Change, now: Optional[Found]) -> Optional[CheckmkError]:
    """Why an object that was read again is not changed; also because the site holds *** where a secret belongs."""
    error = change.objection(now)
    if error is not None or change.action is not Action.UPDATE:
        return error
    attributes = _attributes(replace(change, found=now)).items()
    masked = next((name for name, value in attributes if name != "labels" and contains_mask(name, value)), None)
    return None if masked is None else CheckmkError(f"the site's {masked} of {change.name}: {MASK}")


def _not_applied(changes: Sequence[Change], error: CheckmkError) -> Outcomes:
    return Outcomes([Outcome(change.key, Status.NOT_APPLIED, error) for change in changes])


def _folder(change: Change) -> str:
    if change.found is not None:
        return str(change.found.properties[FOLDER])
    return str(change.properties[FOLDER][1])


def _folder_order(change: Change) -> tuple[int, str]:
    """Waves come one after the other; in each the hosts of a folder stand together."""
    return change.wave, _folder(change)


def _attributes(change: Change) -> dict[str, Any]:
    """The attributes to set, with all labels: the server replaces each as a whole."""
    now = {} if change.found is None else change.found.attributes
    wanted = change.wanted("attributes").items()
    attributes = {name: merged(value, now.get(name)) for name, value in wanted if value is not None}
    labels = change.wanted("labels")
    if labels:
        all_labels = {**(change.found.labels if change.found is not None else {}), **labels}
        attributes["labels"] = {key: value for key, value in all_labels.items() if value is not None}
    return attributes


def _removed(change: Change) -> list[str]:
    return [name for name, value in change.wanted("attributes").items() if value is None]


def _create_folder(client: Checkmk, change: Change) -> None:
    client.folders.create_absent(change.key, title=change.properties[("title",)][1], attributes=_attributes(change))


def _set_in_folder(client: Checkmk, change: Change) -> bool:
    """Set title and attributes; removing attributes is another call."""
    if len(_removed(change)) == len(change.properties):
        return False
    title = change.properties.get(("title",), (None, None))[1]
    return _change_folder(client, change, lambda now, before: {**before, **_attributes(now)}, title)


def _remove_in_folder(client: Checkmk, change: Change) -> bool:
    removed = _removed(change)

    def without(_now: Change, before: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in before.items() if name not in removed}

    return bool(removed) and _change_folder(client, change, without)


def _change_folder(
    client: Checkmk,
    change: Change,
    make: Callable[[Change, Mapping[str, Any]], dict[str, Any]],
    title: Optional[str] = None,
) -> bool:
    """Change a folder that is still ours, with the ETag of the reading that shows it."""

    def changed(folder: Folder) -> dict[str, Any]:
        found = found_folder(folder)
        error = _objection(change, found)
        if error is not None:
            raise error
        return make(replace(change, found=found), folder.attributes)

    client.folders.update_read(change.key, changed, title=title)
    return True


def _delete_folder(client: Checkmk, change: Change) -> None:
    client.folders.delete(change.key, missing_ok=True)


def _create_hosts(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    return client.hosts.bulk_create(
        [{"host_name": c.key, "folder": _folder(c), "attributes": _attributes(c)} for c in changes]
    )


def _move_host(client: Checkmk, change: Change) -> None:
    client.hosts.move(change.key, change.properties[FOLDER][1])


def _update_hosts(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    """Setting and removing are two calls; a host is applied when both are."""
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
            known = {outcome.key for outcome in error.outcomes}
            left = [entry for entry in entries if entry["host_name"] not in known]
            stopped = CheckmkError(str(error))
            done += (Outcome(entry["host_name"], Status.NOT_APPLIED, stopped) for entry in left)
            if entries is sets:
                done += (Outcome(entry["host_name"], Status.NOT_APPLIED, stopped) for entry in removals)
            raise BatchError(str(error), outcomes=_merged(done)) from error.__cause__
    return _merged(done)


_WORST_FIRST = (Status.UNKNOWN, Status.NOT_APPLIED, Status.APPLIED)


def _merged(outcomes: Sequence[Outcome]) -> Outcomes:
    """One outcome for each host, the worst of those it has; one that is applied in part says so."""
    merged: dict[str, Outcome] = {}
    for outcome in outcomes:
        before = merged.setdefault(outcome.key, outcome)
        worst, other = sorted((before, outcome), key=lambda one: _WORST_FIRST.index(one.status))
        is_part = worst.status is Status.NOT_APPLIED and other.status is Status.APPLIED
        merged[outcome.key] = replace(worst, note=IN_PART) if is_part else worst
    return Outcomes(list(merged.values()))


def _delete_hosts(client: Checkmk, changes: Sequence[Change]) -> Outcomes:
    return client.hosts.bulk_delete([_host(change) for change in changes])


def _host(change: Change) -> Host:
    """The host as it was read, with its parents: those are deleted after it."""
    attributes = {} if change.found is None else change.found.attributes
    return Host(change.key, _folder(change), attributes)


EXECUTORS: Mapping[tuple[Action, str], Executor] = {
    (Action.CREATE, "folder"): _each(_create_folder),
    (Action.UPDATE, "folder"): _each(_set_in_folder, _remove_in_folder),
    (Action.DELETE, "folder"): _still_ours(_each(_delete_folder)),
    (Action.CREATE, "host"): _in_bulk(_create_hosts),
    (Action.MOVE, "host"): _still_ours(_each(_move_host), FEW_NAMES),
    (Action.UPDATE, "host"): _still_ours(_in_bulk(_update_hosts)),
    (Action.DELETE, "host"): _still_ours(_in_bulk(_delete_hosts)),
}
