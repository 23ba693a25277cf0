"""Read again the objects that a saved plan changes, before its first write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, Optional

from ..catalogue.paths import parent_folder
from ..client.checkmk import Checkmk
from ..core.grouping import grouped
from ..core.text import summarize
from ..errors import PlanChangedError
from .changes import NEW_NAME, Action, Change, hidden
from .compare import has_property
from .kinds import AFTER, BEFORE, FOLDER, FOLDERS, HOSTS, KINDS, Property
from .observed import ExistingObject, Observed, observe
from .plan import Plan
from .previous_names import after_renames

Key = tuple[str, str]  # kind and key of an object
SHOWN = 10  # objects in one error
_UNCOMPARED = (NEW_NAME, AFTER, BEFORE)  # a move is relative to another object
# Checkmk changes these after changes of other objects and after scans.
_VOLATILE: frozenset[Property] = frozenset({("folder_index",), ("attributes", "inventory_failed")})


def current_plan(client: Checkmk, plan: Plan) -> Plan:
    """Return the changes of a saved plan that are still to be made, with the current state of their objects.

    A change that has already been made is left out, because an earlier run may have made it. Raises PlanChangedError,
    which names the objects, if one of them has changed in another way since the plan was made, and if the plan was made
    for another site.
    """
    site = client.settings.base_url
    if plan.site != site:
        raise PlanChangedError(f"the plan was made for {plan.site}, not for {site}; make a plan for this site")
    lists = grouped((change.kind, change.value(KINDS[change.kind].listed_by)) for change in plan.changes)
    known = {kind: {*filter(None, names)} for kind, names in lists.items() if KINDS[kind].listed_by}
    observed = observe(client, lists, plan.owner, known)
    site_now = _SiteNow(plan, observed)
    left = [change for change in plan.changes if not site_now.has(change)]
    problems = dict.fromkeys(problem for change in left for problem in site_now.problems(change))
    if problems:
        text = summarize([*problems], SHOWN, "; ")
        raise PlanChangedError(f"the site has changed since the plan was made: {text}; make a new plan and review it")
    made = {change.key for change in plan.changes if change.kind == HOSTS.name and change.action is Action.CREATE}
    made.difference_update(change.key for change in left)  # an earlier run may not have scanned them
    return replace(
        plan,
        changes=tuple(map(site_now.based, left)),
        undiscovered=tuple(sorted({*plan.undiscovered, *made})),
        pending=tuple(each for each in observed.pending if each in plan.pending or not each.is_foreign_to(plan.user)),
    )


class _SiteNow:
    """The current state of a site, compared with the state for which a plan was made."""

    def __init__(self, plan: Plan, observed: Observed) -> None:
        renames = [change for change in plan.changes if change.action is Action.RENAME]
        names = {change.properties[NEW_NAME][0]: change.key for change in renames}
        self._before = observed.objects
        self._names = {old: new for old, new in names.items() if not self._exists(new) and self._exists(old)}
        self._now = after_renames(observed, self._names).objects if names else observed.objects
        self._created = {change.target for change in plan.changes if change.action is Action.CREATE}
        # An object can be changed in two steps, and only the first of them may have been made.
        self._wanted = grouped(
            ((change.target, path), new) for change in plan.changes for path, new in change.new_values.items()
        )
        leaving = {change.target for change in plan.changes if change.action in (Action.DELETE, Action.MOVE)}
        self._contents = grouped(
            (_folder_of(found), found.name) for target, found in self._now.items() if target not in leaving
        )

    def _exists(self, host: str) -> bool:
        return (HOSTS.name, host) in self._before

    def has(self, change: Change) -> bool:
        """Return True if the site has the wanted state of a change."""
        now = self._now.get(change.target)
        if now is None or change.action is Action.DELETE:
            return now is None and change.action is Action.DELETE
        if change.action is Action.RENAME and change.key in self._names.values():
            return False
        compared = {path: new for path, new in change.new_values.items() if path != NEW_NAME}
        is_wanted = all(
            path not in _UNCOMPARED and has_property(now.kind, now.properties, path, new)
            for path, new in compared.items()
        )
        return is_wanted and change.staleness(now) is None

    def based(self, change: Change) -> Change:
        """Return a change with the current state of its object."""
        if change.target in self._created:
            return change
        objects, key = (self._now, change.key)
        if change.action is Action.RENAME:
            objects, key = self._before, change.properties[NEW_NAME][0]
        return replace(change, existing=objects[change.kind, key])

    def problems(self, change: Change) -> Iterator[str]:
        """Yield the differences that forbid a change that is still to be made."""
        now = self._now.get(change.target)
        if change.target in self._created:
            if change.action is Action.CREATE and now is not None:
                yield f"{change.name} exists"
            return
        if change.action is Action.RENAME and change.key not in self._names.values() and now is not None:
            yield f"{change.name} exists"
            return
        stale = change.staleness(now)
        if stale is not None or now is None:
            yield str(stale)
            return
        yield from (f"{'.'.join(path)} of {change.name}" for path in self._differing(change, now))
        if change.action is Action.DELETE and change.kind == FOLDERS.name and change.key in self._contents:
            yield f"{change.name} contains {summarize(self._contents[change.key], 1)}"

    def _differing(self, change: Change, now: ExistingObject) -> Iterator[Property]:
        """Yield the properties that have neither the planned value nor a wanted one."""
        before = {} if change.existing is None else change.existing.properties
        if change.action is Action.DELETE:  # it concerns the entire object
            planned = {path: before.get(path) for path in before.keys() | now.properties.keys()}
        else:
            planned = {path: value for path, (value, _) in change.properties.items()}
        for path in sorted(planned.keys() - {*_UNCOMPARED, *_VOLATILE}):
            wanted = self._wanted.get((change.target, path), ())
            is_wanted = any(has_property(change.kind, now.properties, path, value) for value in wanted)
            if not is_wanted and not _is_equal(change, now, path, planned[path]):
                yield path


def _folder_of(found: ExistingObject) -> Optional[str]:
    return parent_folder(found.key) if found.kind == FOLDERS.name else found.properties.get(FOLDER)


def _is_equal(change: Change, existing: ExistingObject, path: Property, value: Any) -> bool:
    """Return True if a property has a value of the plan, which has no secrets."""
    kind, found = KINDS[change.kind], existing.properties.get(path)
    found = kind.with_references(path, found, change.value(path))
    shown = hidden(kind.name, path, found, existing.properties.get(kind.listed_by, ""))

    def matches(one: Any, other: Any) -> bool:
        return has_property(kind.name, {} if one is None else {path: one}, path, other)

    # A mapping may have keys that the other one lacks, so they are compared in both directions.
    return bool(shown == value) or (matches(shown, value) and matches(value, shown))
