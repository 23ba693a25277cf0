"""The three ways to change the attributes of a host or folder. Newer versions accept only one per call."""

from __future__ import annotations

from typing import Any, Mapping

from ..endpoints import SiteState
from ..validation import Check, Field, list_of, string

_CHANGES = ("attributes", "update_attributes", "remove_attributes")


def change_fields(attribute_check: Check) -> dict[str, Field]:
    return dict(zip(_CHANGES, (Field(attribute_check), Field(attribute_check), Field(list_of(string)))))


def single_change_check(state: SiteState) -> Check:
    """Refuse bodies with more than one kind of change, except on versions that accept them."""

    def check(data: Mapping[str, Any]) -> Any:
        changes = [kind for kind in _CHANGES if kind in data]
        if len(changes) < 2 or state.profile.takes_changes_together:
            return None
        message = (
            f"This endpoint only allows 1 action (set/update/remove) per call, you specified {len(changes)} actions"
        )
        return {"_schema": [f"{message}: {', '.join(changes)}."]}

    return check


def is_empty_change(data: Mapping[str, Any]) -> bool:
    """Return True if the request contains no change."""
    # Checkmk: an empty object or list counts as not given, so it cannot clear the attributes.
    return not any(data.get(kind) for kind in _CHANGES)


def attributes_after(attributes: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the attributes after a change, and the names to remove that were absent."""
    changed = {**(data.get("attributes") or attributes), **data.get("update_attributes", {})}
    deleted = data.get("remove_attributes", ())
    kept = {name: value for name, value in changed.items() if name not in deleted}
    return kept, [name for name in deleted if name not in changed]
