"""Whose an object is. The owner's label can be copied, so it counts only together with who made the object."""

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
from .observed import Found, Observed

__all__ = ["Ownership"]

SHOWN = 3  # possible originals of a clone
# What the form that clones a host asks for, so that it may differ.
_ASKED: frozenset[Property] = frozenset({("attributes", name) for name in ("alias", "ipaddress", "ipv6address")})


@dataclass(frozen=True)
class Ownership:
    """What belongs to an ``owner``, None for nobody, on a site as it was observed."""

    owner: Optional[str]
    observed: Observed

    def holds(self, found: Found) -> bool:
        """True if the object has the owner's label, and our user created it or it was adopted.

        Checkmk: cloning a host copies its labels, while the creator of the clone is who cloned it. The label that
        adopting writes names the object, so a clone names another. Folders cannot be cloned: if the path that a
        folder names exists no more, the folder was moved.
        """
        if self.owner is None or found.owner != self.owner:
            return False
        if found.adopted_as == found.key:
            return True
        if found.adopted_as is not None and (found.kind, found.adopted_as) in self.observed.objects:
            return False
        is_moved = found.kind == "folder" and found.adopted_as is not None
        return is_moved or found.created_by == self.observed.user

    def has_copied_label(self, found: Found) -> bool:
        """True if the object only looks like the owner's."""
        return self.owner is not None and found.owner == self.owner and not self.holds(found)

    def conflict(self, found: Found, wanted: Optional[Object] = None) -> Conflict:
        """Why an object is left alone; ``wanted`` is what the inventory says of it, if anything."""
        location = "" if wanted is None else wanted.location
        if self.has_copied_label(found):
            why = f"carries the label of the owner {self.owner!r}, but {self._probable_origin(found)}"
            adopt = "adopt it with --adopt" if wanted else "name it in the inventory and adopt it with --adopt"
            hint = f"{adopt}, remove its label {OWNER_LABEL}, or delete it by hand"
        else:
            why = f"exists already and belongs to {describe_owner(found.owner)}"
            if self.owner is None:
                hint = f"did you forget --owner {shlex.quote(found.owner or 'NAME')}?"
            elif found.owner is None:
                hint = "take it over with --adopt, or take it out of the inventory"
            else:
                hint = f"take it out of the inventory, or have its label {OWNER_LABEL} removed first"
        return Conflict(found.kind, found.key, found.owner, why, hint, location)

    def _probable_origin(self, found: Found) -> str:
        maker = f"was created by {found.created_by!r}" if found.created_by else "its creator is not known"
        if found.adopted_as is not None:
            if (found.kind, found.adopted_as) in self.observed.objects:
                return f"is probably a clone of {found.adopted_as}"
            return f"{maker}, and adopted as {found.adopted_as}, which is gone: it was renamed, or is a clone of that"
        alike = next(filter(None, (self._keys_by_fingerprint.get(look, ()) for look in _fingerprints(found))), ())
        if not alike:
            return f"{maker}, and it was not adopted: it is probably a clone, or was adopted by an earlier version"
        # A clone is often called like its original, with something more.
        likely = sorted(alike, key=lambda key: (key not in found.key, key))
        originals = summarize(likely, SHOWN, " or ", "or")
        return f"{maker}, and it was not adopted: it is probably a clone of {originals}"

    @functools.cached_property
    def _keys_by_fingerprint(self) -> Mapping[str, Sequence[str]]:
        """The keys of the owner's objects by each of their looks."""
        alike: dict[str, list[str]] = {}
        for found in self.observed.objects.values():
            for look in _fingerprints(found) if self.holds(found) else ():
                alike.setdefault(look, []).append(found.key)
        return alike


def _fingerprints(found: Found) -> tuple[str, str]:
    """All that a clone and its original have in common, and what of it surely stays the same."""
    every = sorted(found.properties.items(), key=lambda pair: pair[0])
    same = [pair for pair in every if pair[0] not in _ASKED]
    return _digest_text("all", found.kind, every), _digest_text("same", found.kind, same)


def _digest_text(*parts: object) -> str:
    return json.dumps(parts, sort_keys=True, default=str)
