"""The three ways to change the attributes of a host or folder, of which a call uses one."""

from __future__ import annotations

from typing import Any, Mapping

from ..endpoints import SiteState
from ..validation import Check, Field, list_of, string

__all__ = ["applied", "folder_changes", "host_changes", "one_change", "says_nothing"]

_KINDS = ("attributes", "update_attributes", "remove_attributes")


def host_changes(state: SiteState) -> dict[str, Field]:
    return _changes(Field(state.configuration.rules.host_errors))


def folder_changes(state: SiteState) -> dict[str, Field]:
    return _changes(Field(state.configuration.rules.folder_errors))


def _changes(attributes: Field) -> dict[str, Field]:
    return dict(zip(_KINDS, (attributes, attributes, Field(list_of(string)))))


def one_change(state: SiteState) -> Check:
    """What is wrong with a body that asks for more than one kind of change."""

    def check(data: Mapping[str, Any]) -> Any:
        given = [kind for kind in _KINDS if kind in data]
        if len(given) < 2 or state.profile.takes_changes_together:
            return None
        said = f"This endpoint only allows 1 action (set/update/remove) per call, you specified {len(given)} actions"
        return {"_schema": [f"{said}: {', '.join(given)}."]}

    return check


def says_nothing(data: Mapping[str, Any]) -> bool:
    """Checkmk: an empty object or list counts as not given, so attributes cannot be cleared by it."""
    return not any(data.get(kind) for kind in _KINDS)


def applied(attributes: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The attributes after a change, and the names that could not be removed because they were not there."""
    changed = {**(data.get("attributes") or attributes), **data.get("update_attributes", {})}
    doomed = data.get("remove_attributes", ())
    kept = {name: value for name, value in changed.items() if name not in doomed}
    return kept, [name for name in doomed if name not in changed]
