"""Decide which objects belong to an owner. Because the owner label can be copied, the creator counts as well."""

from __future__ import annotations

import functools
import json
import shlex
from dataclasses import dataclass, field
from typing import Mapping, Optional, Sequence

from ..catalogue.labels import OWNER_LABEL
from ..core.grouping import grouped
from ..core.text import summarize
from .changes import Conflict, describe_owner
from .desired import Object
from .kinds import FOLDERS, KINDS, Property
from .observed import ExistingObject, Observed

SHOWN = 3  # possible originals of a clone in one message
# Checkmk: the form for cloning a host asks for these attributes, so a clone may differ in them.
_ASKED_WHEN_CLONING: frozenset[Property] = frozenset(
    {("attributes", name) for name in ("alias", "ipaddress", "ipv6address")}
)


@dataclass(frozen=True)
class Ownership:
    """Decides which objects of a site belong to ``owner``. If ``owner`` is None, no object does.

    ``previous`` contains the previous names in the inventory, by kind and key.
    """

    owner: Optional[str]
    observed: Observed
    previous: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def owns(self, existing: ExistingObject) -> bool:
        """Return True if the object has the owner's label, and was created by our user or adopted."""
        if self.owner is None or existing.owner != self.owner or existing.copies:
            return False
        # The adoption label contains the key of the adopted object. Checkmk copies all labels when a host is cloned, so
        # the label of a clone contains the key of its original.
        # A killed run may have renamed the host without changing its label.
        names = (existing.key, self.previous.get((existing.kind, existing.key)))
        if existing.adopted_as is not None and existing.adopted_as in names:
            return True
        if existing.adopted_as is not None and (existing.kind, existing.adopted_as) in self.observed.objects:
            return False
        if KINDS[existing.kind].mark != "labels":  # the mark always contains the key, and nothing else proves the owner
            return False
        # Folders cannot be cloned. If no folder has the adopted path any longer, this folder was moved.
        is_moved = existing.kind == FOLDERS.name and existing.adopted_as is not None
        # Checkmk: the creator of a clone is the user that cloned the host.
        return is_moved or existing.created_by == self.observed.user

    def has_copied_label(self, existing: ExistingObject) -> bool:
        """Return True if the object has the owner's label but does not belong to the owner, like a clone."""
        return self.owner is not None and existing.owner == self.owner and not self.owns(existing)

    def conflict(self, existing: ExistingObject, wanted: Optional[Object] = None) -> Conflict:
        """Return a conflict that explains why the object stays as it is.

        ``wanted`` is the object as the inventory wants it, or None if the inventory does not name it.
        """
        location = "" if wanted is None else wanted.location
        is_label, field = KINDS[existing.kind].mark == "labels", KINDS[existing.kind].mark
        mark = f"label {OWNER_LABEL}" if is_label else f"line {OWNER_LABEL} in the {field}"
        if existing.copies:
            ids = summarize([existing.id, *existing.copies], SHOWN, " and ", "and")
            why = f"has the mark of the owner {self.owner!r} more than once: {ids}; the later one is probably a clone"
            hint = f"remove the {mark} of the clone, or delete the clone by hand"
        elif self.has_copied_label(existing):
            kind_of_mark = "label" if is_label else "mark"
            why = f"has the {kind_of_mark} of the owner {self.owner!r}, but {self._probable_origin(existing)}"
            adopt = "adopt it with --adopt" if wanted else "add it to the inventory and adopt it with --adopt"
            adopt = adopt if wanted is None or not wanted.absent else "remove its entry"
            hint = f"{adopt}, remove its {mark}, or delete it by hand"
        else:
            why = f"already exists and belongs to {describe_owner(existing.owner)}"
            if self.owner is None:
                hint = f"did you forget --owner {shlex.quote(existing.owner or 'NAME')}?"
            elif existing.owner is None:
                hint = "adopt it with --adopt, or remove it from the inventory"
            else:
                hint = f"remove it from the inventory, or have its {mark} removed first"
        if wanted is not None and wanted.absent and is_label and None in (self.owner, existing.owner):
            why = f"belongs to {describe_owner(existing.owner)}, so 'absent: true' does not delete it"
            hint = "remove its entry, or delete it by hand" if existing.owner is None else hint
        return Conflict(existing.kind, existing.key, existing.owner, why, hint, location)

    def _probable_origin(self, existing: ExistingObject) -> str:
        maker = f"it was created by {existing.created_by!r}" if existing.created_by else "its creator is unknown"
        adopted = existing.adopted_as
        if adopted is not None:
            if (existing.kind, adopted) in self.observed.objects:
                return f"it is probably a clone of {adopted}"
            return f"{maker} and it was adopted as {adopted}, which is gone, so it was renamed or is a clone"
        known = self._keys_by_fingerprint
        alike = next((known[fingerprint] for fingerprint in _fingerprints(existing) if fingerprint in known), ())
        if not alike:
            return (
                f"{maker} and it was not adopted, so it is a clone or was adopted by an earlier version of checkmk-sync"
            )
        # The name of a clone often contains the name of its original.
        likely = sorted(alike, key=lambda key: (key not in existing.key, key))
        originals = summarize(likely, SHOWN, " or ", "or")
        return f"{maker} and it was not adopted, so it is probably a clone of {originals}"

    @functools.cached_property
    def _keys_by_fingerprint(self) -> Mapping[str, Sequence[str]]:
        """The keys of the owner's objects, by fingerprint."""
        labelled = (found for found in self.observed.objects.values() if KINDS[found.kind].mark == "labels")
        ours = filter(self.owns, labelled)
        return grouped((fingerprint, found.key) for found in ours for fingerprint in _fingerprints(found))


def _fingerprints(existing: ExistingObject) -> list[str]:
    """Return two fingerprints: of all properties, and of the properties that the form for cloning keeps."""
    properties = sorted(existing.properties.items(), key=lambda pair: pair[0])
    kept = [pair for pair in properties if pair[0] not in _ASKED_WHEN_CLONING]
    parts = (("all", existing.kind, properties), ("kept", existing.kind, kept))
    return [json.dumps(part, sort_keys=True, default=str) for part in parts]
