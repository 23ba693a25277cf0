"""What a plan is made of: changes, and conflicts, which stand in the way of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from ..catalogue.labels import ADOPTED_LABEL, OWNER_LABEL
from ..core.redaction import mask_secrets
from ..errors import NotOwnedError
from .kinds import KINDS, Property
from .observed import Found

__all__ = ["ADOPTED", "OWNER", "Action", "Change", "Conflict", "describe_owner"]

OWNER: Property = ("labels", OWNER_LABEL)
ADOPTED: Property = ("labels", ADOPTED_LABEL)


class Action(enum.Enum):
    """What is done to an object; deleting comes last."""

    CREATE = "create"
    MOVE = "move"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One thing to do. ``properties`` maps what changes to (now, wanted); None is "not set" on both sides.

    ``found`` is the object as it was read, None for what is created, ``location`` where the inventory names it;
    both are no part of the value. Neither is what puts changes in order: changes of one action and kind come wave
    by wave, and a second step, which sets references to objects that are created in between, names these in
    ``after``.
    """

    action: Action
    kind: str
    key: str
    properties: Mapping[Property, tuple[Any, Any]] = field(default_factory=dict, repr=False)
    found: Optional[Found] = field(default=None, compare=False, repr=False)
    location: str = field(default="", compare=False, repr=False)
    wave: int = field(default=0, compare=False, repr=False)
    after: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.key}"

    @property
    def rank(self) -> tuple[Any, ...]:
        """Kinds by their rank, then second steps; deletes last and the other way round; folders from the root down."""
        depth = self.key.count("/") if self.kind == "folder" else 0
        rank = KINDS[self.kind].rank
        if self.action is Action.DELETE:
            return (2, -rank, 0, self.wave, -depth, self.key)
        return (1 if self.after else 0, rank, list(Action).index(self.action), self.wave, depth, self.key)

    def wanted(self, first: str) -> dict[str, Any]:
        """The wanted values of the properties that start with ``first``, by their second part."""
        return {path[1]: new for path, (_, new) in self.properties.items() if path[0] == first and len(path) > 1}

    def staleness(self, now: Optional[Found]) -> Optional[NotOwnedError]:
        """Return why an object that was read again must not be changed: gone, made anew, or of another owner."""
        if now is None:
            return NotOwnedError(f"{self.name} is gone since the plan was made")
        planned = None if self.found is None else self.found.owner
        if now.owner not in (planned, self.properties.get(OWNER, (None, planned))[1]):
            return NotOwnedError(f"{self.name} belongs to {describe_owner(now.owner)} since the plan was made")
        if self.found is not None and now.birth and self.found.birth and now.birth != self.found.birth:
            return NotOwnedError(f"{self.name} was deleted and created again since the plan was made")
        return None

    def to_dict(self) -> dict[str, Any]:
        """As plain data, sorted, without secrets."""
        changed = {
            ".".join(path): [mask_secrets(value, path[1]) if len(path) > 1 else value for value in values]
            for path, values in sorted(self.properties.items())
        }
        found = {"action": self.action.value, "kind": self.kind, "key": self.key, "properties": changed}
        return {**found, "after": list(self.after)} if self.after else found

    def checksum_data(self) -> list[Any]:
        """Return everything that the checksum of a plan covers, secrets included."""
        return [self.action.value, self.kind, self.key, sorted(self.properties.items())]


@dataclass(frozen=True)
class Conflict:
    """An object that must not be changed or deleted as the inventory wants: ``why``, and what to do (``hint``).

    ``owner`` is what its label says, None for nobody.
    """

    kind: str
    key: str
    owner: Optional[str]
    why: str
    hint: str
    location: str = ""

    def __str__(self) -> str:
        location = f" ({self.location})" if self.location else ""
        return f"{self.kind} {self.key}{location} {self.why}"

    @property
    def text(self) -> str:
        """All of it in one sentence."""
        return f"{self}; {self.hint}"


def describe_owner(owner: Optional[str]) -> str:
    """An owner in words."""
    return "nobody's synchronisation" if owner is None else f"the owner {owner!r}"
