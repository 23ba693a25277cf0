"""Decide which objects belong to an owner. Labels can be copied, so the creator of an object counts as well."""

from __future__ import annotations

import functools
import json
import shlex
from dataclasses import dataclass
from typing import Mapping, Optional, Sequence

from ..catalogue.labels import OWNER_LABEL
from ..core.text import summarize
from .changes import Conflict, describe_owner
from .desired import Object
from .kinds import Property
from .observed import ExistingObject, Observed

__all__ = ["Ownership"]

SHOWN = 3  # possible originals of a clone
# Checkmk: the form that clones a host asks for these, so they may differ.
_ASKED_WHEN_CLONING: frozenset[Property] = frozenset(
    {("attributes", name) for name in ("alias", "ipaddress", "ipv6address")}
)


@dataclass(frozen=True)
class Ownership:
    """Which objects of an observed site belong to ``owner``; None stands for nobody."""

    owner: Optional[str]
    observed: Observed

    def holds(self, existing: ExistingObject) -> bool:
        """Return True if the object has the owner's label, and our user created it or it was adopted.

        Checkmk: cloning a host copies its labels, while the creator of the clone is who cloned it. The label that
        adopting writes names the object, so a clone names another. Folders cannot be cloned: if the path that a
        folder names exists no more, the folder was moved.
        """
        if self.owner is None or existing.owner != self.owner:
            return False
        if existing.adopted_as == existing.key:
            return True
        if existing.adopted_as is not None and (existing.kind, existing.adopted_as) in self.observed.objects:
            return False
        is_moved = existing.kind == "folder" and existing.adopted_as is not None
        return is_moved or existing.created_by == self.observed.user

    def has_copied_label(self, existing: ExistingObject) -> bool:
        """Return True if the object has the owner's label but does not belong to the owner."""
        return self.owner is not None and existing.owner == self.owner and not self.holds(existing)

    def conflict(self, existing: ExistingObject, wanted: Optional[Object] = None) -> Conflict:
        """Explain why an object is left alone; ``wanted`` is its entry in the inventory, if it has one."""
        location = "" if wanted is None else wanted.location
        if self.has_copied_label(existing):
            why = f"carries the label of the owner {self.owner!r}, but {self._probable_origin(existing)}"
            adopt = "adopt it with --adopt" if wanted else "name it in the inventory and adopt it with --adopt"
            hint = f"{adopt}, remove its label {OWNER_LABEL}, or delete it by hand"
        else:
            why = f"exists already and belongs to {describe_owner(existing.owner)}"
            if self.owner is None:
                hint = f"did you forget --owner {shlex.quote(existing.owner or 'NAME')}?"
            elif existing.owner is None:
                hint = "take it over with --adopt, or take it out of the inventory"
            else:
                hint = f"take it out of the inventory, or have its label {OWNER_LABEL} removed first"
        return Conflict(existing.kind, existing.key, existing.owner, why, hint, location)

    def _probable_origin(self, existing: ExistingObject) -> str:
        maker = f"was created by {existing.created_by!r}" if existing.created_by else "its creator is not known"
        if existing.adopted_as is not None:
            if (existing.kind, existing.adopted_as) in self.observed.objects:
                return f"is probably a clone of {existing.adopted_as}"
            return (
                f"{maker}, and adopted as {existing.adopted_as}, which is gone: it was renamed, or is a clone of that"
            )
        known = self._keys_by_fingerprint
        alike = next((known[fingerprint] for fingerprint in _fingerprints(existing) if fingerprint in known), ())
        if not alike:
            return f"{maker}, and it was not adopted: it is probably a clone, or was adopted by an earlier version"
        # A clone is often called like its original, with something more.
        likely = sorted(alike, key=lambda key: (key not in existing.key, key))
        originals = summarize(likely, SHOWN, " or ", "or")
        return f"{maker}, and it was not adopted: it is probably a clone of {originals}"

    @functools.cached_property
    def _keys_by_fingerprint(self) -> Mapping[str, Sequence[str]]:
        """Return the keys of the owner's objects by each of their fingerprints."""
        keys: dict[str, list[str]] = {}
        for existing in filter(self.holds, self.observed.objects.values()):
            for fingerprint in _fingerprints(existing):
                keys.setdefault(fingerprint, []).append(existing.key)
        return keys


def _fingerprints(existing: ExistingObject) -> list[str]:
    """Return a text of all properties, and one without those that the form for cloning asks for."""
    properties = sorted(existing.properties.items(), key=lambda pair: pair[0])
    kept = [pair for pair in properties if pair[0] not in _ASKED_WHEN_CLONING]
    parts = (("all", existing.kind, properties), ("kept", existing.kind, kept))
    return [json.dumps(part, sort_keys=True, default=str) for part in parts]
